"""A command that ends whole, with its children: at its limit, at Ctrl-C, and when this process dies."""

import os
import signal
import subprocess
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ops.interrupts import held_back
from ops.local.lifeline import tied_to_this_process


@contextmanager
def started(
    argv: Sequence[str], seconds: float, env: Mapping[str, str], folder: Path | None = None
) -> Generator[tuple["subprocess.Popen[str]", threading.Event]]:
    """The command, with stdout and stderr in one pipe, and an event that is set if it was killed after `seconds`.

    It is killed, too, when the block ends before it. Raises OSError for a command that cannot be started.
    """
    killed = threading.Event()
    command: subprocess.Popen[str] | None = None

    def kill() -> None:
        # Not reaped yet, so the group is still the command's own.
        if command and command.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGKILL)

    def time_is_up() -> None:
        killed.set()
        kill()

    timer = threading.Timer(seconds, time_is_up)
    # A plain one would hold up Ctrl-C until its time is up.
    timer.daemon = True
    try:
        with held_back():
            command = subprocess.Popen(
                argv,
                env=env,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
                preexec_fn=tied_to_this_process(),
            )
        timer.start()
        yield command, killed
    finally:
        timer.cancel()
        if command:
            with command:
                kill()
