"""Runs a test's body in a child process inside a private network, as the graph itself runs."""

import functools
import os
import signal
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from ops.local import private_network
from ops.local.lifeline import tied_to_this_process

# The slowest scenario takes some 10 s on two busy cores.
SCENARIO_SECONDS = 60


def in_private_network(test: Callable[..., None]) -> Callable[..., None]:
    """A test whose body runs in a private network, limited to SCENARIO_SECONDS; its failure fails the test."""

    @functools.wraps(test)
    def wrapper(**fixtures: Any) -> None:
        complaint, status = _forked(lambda: test(**fixtures))
        if complaint or status != 0:
            pytest.fail(complaint or f"the scenario ended with wait status {status}", pytrace=False)

    return wrapper


def _forked(body: Callable[[], None]) -> tuple[str, int]:
    """The traceback that ended the body, if any, and the child's wait status."""
    tie = tied_to_this_process()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            private_network.enter()
            tie()
            signal.alarm(SCENARIO_SECONDS)
            body()
        except BaseException:
            os.write(write, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, errors="replace") as pipe:
        complaint = pipe.read()
    return complaint, os.waitpid(child, 0)[1]
