"""Runs a function in a child process so that either side cleans up when the other is killed."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any

from ops.commands.ending import output_lost, unexpected
from ops.interrupts import STOPPING
from ops.local import private_network
from ops.local.errors import LocalRunError, report_error
from ops.local.lifeline import tied_to_this_process
from ops.streams import Unwritten


class StopRequested:
    """Event for a request to stop: Ctrl-C, SIGTERM, a closed terminal, or the parent's death."""


def run_guarded(body: Callable[["SimpleQueue[Any]"], int], folder: Path, *, isolated: bool) -> int:
    """The exit code of `body`, which runs in a child, in a private network if `isolated`.

    A request to stop reaches `body` as StopRequested in its queue; a second one kills the child. `folder` is removed at
    the end by both sides, so it is gone even if one of them was killed. Must be called from the main thread.
    """
    tie = tied_to_this_process(signal.SIGTERM)
    # A signal between the fork and the handlers would reach the other side's handlers.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    child = os.fork()
    if child == 0:
        _run_child(body, folder, tie, isolated)
    requests = 0

    def forward(_number: int, _frame: FrameType | None) -> None:
        nonlocal requests
        requests += 1
        os.kill(child, signal.SIGTERM if requests == 1 else signal.SIGKILL)

    before = {number: signal.signal(number, forward) for number in STOPPING}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for number, handler in before.items():
            signal.signal(number, handler)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        raise LocalRunError(f"the local run was killed by {signal.Signals(-code).name}; its processes ended with it")
    return code


def _run_child(
    body: Callable[["SimpleQueue[Any]"], int], folder: Path, tie: Callable[[], None], isolated: bool
) -> None:
    """Runs the child and exits with its code. Never returns, so the child cannot reach the caller's code."""
    code = 1
    try:
        # A session of its own, so that Ctrl-C in the terminal reaches only the parent, which forwards it once.
        os.setsid()
        events: SimpleQueue[Any] = SimpleQueue()
        signal.signal(signal.SIGTERM, lambda *_: events.put(StopRequested()))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if isolated:
            private_network.enter()
        # After the namespace: the kernel forgets the tie when a process gets new credentials.
        tie()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        code = body(events)
        sys.stdout.flush()
    except LocalRunError as error:
        code = report_error(error)
    except Unwritten as lost:
        code = output_lost(lost)
    except (Exception, SystemExit) as error:
        # The last frame of this process: no caller could turn the error into a sentence.
        unexpected("the local run", error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        sys.stderr.flush()
        os._exit(code)
