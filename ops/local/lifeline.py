"""Ties a child process to its parent, so that no child outlives a killed parent."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True)


def tied_to_this_process(on_death: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """A function to call in a child after the fork, so that the kernel sends it `on_death` when this process dies.

    Linux watches the thread that forked, so fork from a thread that lives as long as the child should.
    """
    return tied_to(os.getpid(), on_death)


def tied_to(parent: int, on_death: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """The same function for a child of the process `parent`, which is 0 to the first process of a PID namespace."""

    def tie() -> None:
        if _LIBC.prctl(_PR_SET_PDEATHSIG, int(on_death)) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        # If the parent died between the fork and the call above, the kernel sends no signal.
        if os.getppid() != parent:
            os.kill(os.getpid(), on_death)

    return tie
