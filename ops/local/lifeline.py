"""Ties a child process to its parent, so that nothing outlives a parent that was killed."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True)


def tied_to_this_process(on_death: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """A function to call in a child after the fork: the kernel then sends it `on_death` when this process dies.

    Linux looks at the thread that forked: fork from one that lasts as long as the child should.
    """
    parent = os.getpid()

    def tie() -> None:
        if _LIBC.prctl(_PR_SET_PDEATHSIG, int(on_death)) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        # The parent may have died between the fork and the call above; then no signal comes.
        if os.getppid() != parent:
            os.kill(os.getpid(), on_death)

    return tie
