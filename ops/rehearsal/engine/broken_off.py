"""Programs that Pulumi breaks off: it does so when an update fails or is killed, which is no error of a rehearsal."""

import inspect
import sys
import warnings


def say_nothing() -> None:
    """Lets Pulumi's SDK and Python not tell the user of half a line of events, or of a program before its end."""
    warnings.filterwarnings("ignore", message="Error in event stream")
    warnings.filterwarnings("ignore", message="coroutine .* was never awaited")
    sys.unraisablehook = _hook


def _hook(error: "sys.UnraisableHookArgs") -> None:
    if not inspect.iscoroutine(error.object):
        sys.__unraisablehook__(error)
