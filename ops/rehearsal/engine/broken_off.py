"""Programs that Pulumi breaks off: it does so when an update fails or is killed, which is no error of a rehearsal."""

import asyncio
import inspect
import sys
import warnings
from contextlib import suppress

from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS

# Nothing closes the connections of a program that was broken off. gRPC shares connections to the same address, and
# would answer a later program, to whose Pulumi the kernel gave that port again, with the old one's refused attempts.
_OWN_CONNECTIONS = ("grpc.use_local_subchannel_pool", 1)


def share_no_connection() -> None:
    """Gives each program of this process connections to Pulumi of its own."""
    if _OWN_CONNECTIONS not in _GRPC_CHANNEL_OPTIONS:
        _GRPC_CHANNEL_OPTIONS.append(_OWN_CONNECTIONS)


def say_nothing() -> None:
    """Lets Pulumi's SDK and Python not tell the user of half a line of events, or of a program before its end."""
    warnings.filterwarnings("ignore", message="Error in event stream")
    warnings.filterwarnings("ignore", message="coroutine .* was never awaited")
    sys.unraisablehook = _hook


class Running:
    """The programs that run in this process. Where a user's process ends with the command, these would go on for ever:
    a lookup waits for a resource that nobody creates any more, and takes a whole core if it does not sleep.
    """

    def __init__(self) -> None:
        self._loops: list[asyncio.AbstractEventLoop] = []

    def add(self) -> None:
        """Called by a program as it begins."""
        self._loops.append(asyncio.get_running_loop())

    def end(self) -> None:
        """Ends all of them, after their command."""
        for loop in self._loops:
            with suppress(RuntimeError):  # the program has ended, and closed its loop
                loop.call_soon_threadsafe(sys.exit)
        self._loops.clear()


def _hook(error: "sys.UnraisableHookArgs") -> None:
    if not inspect.iscoroutine(error.object):
        sys.__unraisablehook__(error)
