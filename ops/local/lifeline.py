"""Ties a child process to its parent, so that no child outlives a killed parent."""

import ctypes
import os
import select
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True)


def tied_to_this_process(on_death: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """A function to call in a child after the fork, so that the kernel sends it `on_death` when this process dies.

    Linux watches the thread that forked, so fork from a thread that lives as long as the child should.
    """
    return tied_to(os.getpid(), on_death)


def tied_to(parent: int, on_death: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """The same function for a child of the process `parent`."""

    def tie() -> None:
        _ask_for(on_death)
        # If the parent died between the fork and the call above, the kernel sends no signal.
        if os.getppid() != parent:
            os.kill(os.getpid(), on_death)

    return tie


def forked() -> int:
    """`os.fork`, whose child dies with this process, also if it is the first of a PID namespace.

    To that one its parent is process 0, whether it lives or not. So the child looks at a pipe, the other end of which
    this process alone holds, and never closes.
    """
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        _ask_for(signal.SIGKILL)
        if select.select([alive], [], [], 0)[0]:
            os._exit(1)
    os.close(alive)
    return child


def adopt_orphans() -> None:
    """From now on, a descendant whose parent dies is this process's own child, which can be waited for."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _ask_for(on_death: signal.Signals) -> None:
    """Lets the kernel send this process a signal when the thread that forked it ends."""
    _prctl(_PR_SET_PDEATHSIG, int(on_death))


def _prctl(option: int, value: int) -> None:
    if _LIBC.prctl(option, value) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")
