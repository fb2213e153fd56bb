"""The running process of Pulumi's CLI, to be interrupted or killed as a user or a machine does."""

import json
import os
import shlex
import signal
import time
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
        """Not while it writes: a bucket would keep the file before, and on a disk one of attributes is left empty.

        Raises RehearsalError for a process that has ended or cannot be caught between two writes.
        """
        pid = self._pid
        try:
            for _ in range(_ATTEMPTS):
                os.kill(pid, signal.SIGSTOP)
                time.sleep(_POLL_SECONDS)
                if _stopped(pid) and self._state_is_whole():
                    os.kill(pid, signal.SIGKILL)
                    return
                os.kill(pid, signal.SIGCONT)
                time.sleep(_POLL_SECONDS)
        except ProcessLookupError:
            raise RehearsalError("Pulumi ended before it could be killed") from None
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
    """Whether a child of this process has stopped, with each of its threads.

    A thread first ends its call of the kernel, such as one that empties a file; the last one to stop lets the kernel
    tell the parent. /proc would not do: in the rehearsal it has the numbers of the PID namespace outside.
    """
    try:
        return os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # it has ended, and who started it knows
        return False
