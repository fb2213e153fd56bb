"""Ctrl-C (SIGINT) while a command starts, runs and ends. Imports little, so that it is ready before all else."""

import os
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType

CODE = 130
_STDOUT = 1
SAID = "it was interrupted"
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a process to stop: Ctrl-C, another process, a closed terminal."""
HELD_DOWN_SECONDS = 1.0
"""Ctrl-C that comes again within this time is held down, or pressed twice: it must not interrupt the clean-up."""

_Handler = Callable[[int, FrameType | None], None]


def end_at_once(*, as_json: bool = False) -> None:
    """From now on, Ctrl-C ends the process without a traceback, if `as_json` with one object on stdout."""
    # Text and not json.dumps: the signal may come while Python imports json.
    said = f'{{"faults": [{{"path": "command", "message": "{SAID}"}}]}}\n' if as_json else ""

    def end(_number: int, _frame: FrameType | None) -> None:
        if said:
            with suppress(OSError):  # closed or full: the code still tells
                os.write(_STDOUT, said.encode())
        os._exit(CODE)

    _on_interrupt(end)


def raise_once(*others: signal.Signals) -> None:
    """From now on, Ctrl-C raises KeyboardInterrupt, and only once while it is held down; so do `others`."""
    last = -HELD_DOWN_SECONDS

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before >= HELD_DOWN_SECONDS:
            raise KeyboardInterrupt

    _on_interrupt(interrupt, *others)


@contextmanager
def held_back() -> Generator[None]:
    """Ctrl-C and its like take effect when the block ends, which so knows a child that it starts, and can end it."""
    if threading.current_thread() is not threading.main_thread():  # Python calls handlers in the main thread alone
        yield
        return
    came: list[signal.Signals] = []
    handlers = {number: handler for number in STOPPING if callable(handler := signal.getsignal(number))}
    for number in handlers:
        signal.signal(number, lambda number, _: came.append(signal.Signals(number)))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            handlers[number](number, None)


def _on_interrupt(handler: _Handler, *others: signal.Signals) -> None:
    for number in (signal.SIGINT, *others):
        # A shell ignores it for a command in the background, which Ctrl-C then must not end; nohup does so for SIGHUP.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
