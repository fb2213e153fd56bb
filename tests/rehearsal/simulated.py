"""The simulated cluster of the tests, and waiting for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ops.rehearsal.control_plane import ControlPlane
from ops.rehearsal.kube import Kube
from ops.rehearsal.world import World

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Cluster:
    """A cluster without nodes, and an administrator's access to it."""

    world: World
    plane: ControlPlane
    kube: Kube


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Returns when the condition holds; fails the test otherwise."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"the condition did not hold within {seconds:.0f} s")
        time.sleep(0.05)
