"""Programs that Pulumi breaks off: it does so when an update fails or is killed, which is no error of a rehearsal."""

import asyncio
import inspect
import sys
import warnings
from contextlib import suppress


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
