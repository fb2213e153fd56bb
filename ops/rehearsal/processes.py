"""Programs that run beside the rehearsal: started with a log, awaited, and stopped by their own id."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ops.local.lifeline import tied_to_this_process
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.world import VARIABLE, World

START_SECONDS = 120.0
"""Limit until a program is ready: a few seconds on an idle machine, half a minute on one that also compiles."""
TERMINATION_SECONDS = 5.0
LOG_LINES = 5
_POLL_SECONDS = 0.05
# The programs are written in Go, and spend a tenth of their minutes on collecting garbage.
COLLECTED_RARELY = {"GOGC": "400"}


class ProgramFailed(RehearsalError):
    """A program ended by itself, or was not ready in time."""


def environment(world: World) -> dict[str, str]:
    """The variables of every process of a rehearsal. Nothing comes from the caller but the search path, so no process
    finds credentials, a kubeconfig or a proxy of the user."""
    return {
        "PATH": f"{world.commands}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(world.folder),
        "TMPDIR": str(world.folder),
        "SSL_CERT_FILE": str(world.ca),
        VARIABLE: str(world.folder),
        **COLLECTED_RARELY,
    }


class Program:
    """A running program, whose output goes to `<name>.log` in World.logs.

    The kernel kills the program when the thread that started it ends, so start it from a thread that outlives it.
    """

    def __init__(self, world: World, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = world.logs / f"{name}.log"
        world.logs.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            try:
                # A session of its own: Ctrl-C reaches only the rehearsal, which stops its programs in order.
                self._child = subprocess.Popen(
                    argv,
                    env={**environment(world), **(env or {})},
                    cwd=world.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=tied_to_this_process(),
                )
            except OSError as error:
                raise ProgramFailed(f"{name} did not start: {error}") from error

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def ended(self) -> bool:
        return self._child.poll() is not None

    def wait_until(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Returns when `ready` does. Raises ProgramFailed, with the end of the log, for a program that is not."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.ended:
                raise ProgramFailed(f"{self.name} ended with code {self._child.returncode}; {self._last_lines()}")
            if time.monotonic() > deadline:
                raise ProgramFailed(f"{self.name} was not ready within {seconds:.0f} s; {self._last_lines()}")
            time.sleep(_POLL_SECONDS)

    def stop(self, seconds: float = TERMINATION_SECONDS) -> None:
        """Ends the program with SIGTERM and, after `seconds`, it and all its children with SIGKILL."""
        if not self.ended:
            self._child.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(seconds)
        # The group keeps the program's id while it has members, so the signal reaches no other process.
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def _last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()[-LOG_LINES:]
        return f"the end of {self.log}:\n" + "\n".join(lines) if lines else "it wrote nothing"
