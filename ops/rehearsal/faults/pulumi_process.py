"""The running process of Pulumi's CLI, to be interrupted or killed as a user or a machine does."""

import json
import os
import shlex
import signal
import time
from contextlib import suppress
from pathlib import Path

from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.world import World

_POLL_SECONDS = 0.05
_ATTEMPTS = 400


class PulumiProcess:
    """Puts a `pulumi` first on PATH that notes its process id and becomes the real one."""

    def __init__(self, world: World, pulumi: Path) -> None:
        self._world = world
        self._noted = world.folder / "pulumi.pid"
        wrapper = world.commands / "pulumi"
        note, program = shlex.quote(str(self._noted)), shlex.quote(str(pulumi))
        wrapper.write_text(f'#!/bin/sh\necho $$ > {note}\nexec {program} "$@"\n')
        wrapper.chmod(0o700)

    def interrupt(self) -> None:
        """One Ctrl-C."""
        os.kill(self._pid, signal.SIGINT)

    def kill(self) -> None:
        """Not while it writes: a bucket would keep the file before, and on a disk one of attributes is left empty."""
        pid = self._pid
        for _ in range(_ATTEMPTS):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(_POLL_SECONDS)
            # A thread first ends its call of the kernel, such as one that empties a file.
            if _stopped(pid) and self._state_is_whole():
                os.kill(pid, signal.SIGKILL)
                return
            os.kill(pid, signal.SIGCONT)
            time.sleep(_POLL_SECONDS)
        raise RehearsalError("Pulumi never stopped writing its state, so it was not killed")

    @property
    def _pid(self) -> int:
        """Of the process that was started last."""
        return int(self._noted.read_text())

    def _state_is_whole(self) -> bool:
        for file in (self._world.state / ".pulumi" / "stacks").rglob("*.json*"):  # each has attributes beside it
            try:
                json.loads(file.read_bytes())
            except ValueError:
                return False
        return True


def _stopped(pid: int) -> bool:
    """Whether each thread of a process has stopped."""
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
            if task.read_text().rpartition(")")[2].split()[0] not in "TZ":
                return False
    return True
