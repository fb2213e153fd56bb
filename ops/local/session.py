"""Session of a client with a running graph, in which it can run programs that end with the run."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ops.local.environment import Say
from ops.local.errors import LocalRunError
from ops.local.lifeline import tied_to_this_process
from ops.local.processes import LocalGraph


@dataclass(frozen=True)
class Session:
    """A running graph. `folder` is for temporary files; `ended` is set when the run must end."""

    graph: LocalGraph
    folder: Path
    say: Say
    ended: threading.Event

    def call(self, argv: Sequence[str], env: Mapping[str, str], seconds: float) -> None:
        """Runs a program next to the graph, with only this environment and the search path.

        Raises LocalRunError if it fails, takes longer than `seconds`, or the run ends first.
        """
        log = self.folder / f"{Path(argv[0]).name}.log"
        with log.open("wb") as output:
            program = subprocess.Popen(
                argv,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), **env},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=tied_to_this_process(),
            )
        deadline = time.monotonic() + seconds
        try:
            while program.poll() is None:
                if self.ended.wait(0.1):
                    raise LocalRunError("the run was stopped")
                if time.monotonic() > deadline:
                    raise LocalRunError(f"{log.stem} was not done after {seconds:g} s")
        finally:
            if program.returncode is None:
                # The leader is not reaped yet, so the group is still the program's own.
                with suppress(ProcessLookupError):
                    os.killpg(program.pid, signal.SIGKILL)
                program.wait()
        if program.returncode != 0:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it wrote nothing"]
            raise LocalRunError(f"{log.stem} failed with code {program.returncode}: {lines[-1]}")


Client = Callable[[Session], int | None]
"""A user of the running graph. Returns the exit code of the run, or None to keep the graph running."""
