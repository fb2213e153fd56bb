"""The simulated cluster of the tests, and waiting for it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from ops.rehearsal.control_plane import ControlPlane
from ops.rehearsal.kube import Kube
from ops.rehearsal.stand_in import StandIn
from ops.rehearsal.world import World

PATIENCE_SECONDS = 180.0
"""Limit of a wait for what a controller does in seconds: a machine whose cores compile as well takes a minute."""


@dataclass(frozen=True)
class Cluster:
    """A cluster without nodes, and an administrator's access to it."""

    world: World
    plane: ControlPlane
    kube: Kube

    def stand_in(self, name: str, stop: threading.Event) -> StandIn:
        return StandIn(name, self.kube, self.world.logs, stop)


@contextmanager
def beside(loop: Callable[[threading.Event], None]) -> Iterator[None]:
    """Runs a loop in a thread while the block runs. The loop must return when the event is set."""
    stop = threading.Event()
    thread = threading.Thread(target=loop, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def wait_until(
    condition: Callable[[], object], seconds: float = PATIENCE_SECONDS, why_not: Callable[[], object] = str
) -> None:
    """Returns when the condition holds; fails the test otherwise, with what `why_not` then says."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"the condition did not hold within {seconds:.0f} s {why_not()}")
        time.sleep(0.05)
