"""Starts the processes of a graph together, watches them, and stops them together."""

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from ops.local.lifeline import tied_to_this_process
from ops.local.processes import LocalGraph, Process

# Workers drain on SIGTERM. Streams on a laptop end within this time; processes that do not end are killed.
DRAIN_SECONDS = 10.0
HELPER_SECONDS = 5.0


@dataclass(frozen=True)
class Died:
    """A process that ended by itself, with its exit code (negative: the signal) and the last line of its log."""

    name: str
    code: int
    last_log_line: str


class RunningGraph:
    """Context manager that runs a graph's processes.

    Deaths are put into `events`. Each process leads its own group, so that its children end with it. Logs are written
    to `folder`, one file per process.
    """

    def __init__(self, graph: LocalGraph, folder: Path, events: "SimpleQueue[Any]") -> None:
        self.graph = graph
        self._folder = folder
        self._events = events
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._watchers: list[threading.Thread] = []

    def __enter__(self) -> Self:
        try:
            for process in self.graph.processes:
                self._start(process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def pid(self, name: str) -> int:
        """The process id of a process, by its name such as decode-0."""
        return self._children[name].pid

    def log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _start(self, process: Process) -> None:
        # Only the search path of the user's shell: a DYN_… variable there would change the graph.
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._folder), "TMPDIR": str(self._folder)}
        with self.log(process.name).open("wb") as log:
            child = subprocess.Popen(
                process.argv,
                env={**env, **process.env},
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=tied_to_this_process(),
            )
        self._children[process.name] = child
        watcher = threading.Thread(target=self._watch, args=(process.name, child.pid), daemon=True)
        watcher.start()
        self._watchers.append(watcher)

    def _watch(self, name: str, pid: int) -> None:
        # Not reaped yet: as long as the child is a zombie, no other process can get its id or its group.
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        code = 0
        if ended is not None:
            code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        lines = self.log(name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        self._events.put(Died(name, code, lines[-1] if lines else "it wrote nothing"))

    def stop(self) -> None:
        """Stops every process: with SIGTERM, as Kubernetes does, and after DRAIN_SECONDS with SIGKILL."""
        for child in self._children.values():
            child.terminate()
        self._join_watchers(DRAIN_SECONDS)
        for child in self._children.values():
            child.kill()
        self._join_watchers(DRAIN_SECONDS)
        for child in self._children.values():
            child.wait()
        self._end_groups()
        self._children.clear()
        self._watchers.clear()

    def _join_watchers(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for watcher in self._watchers:
            watcher.join(max(0.0, deadline - time.monotonic()))

    def _end_groups(self) -> None:
        """Stops the processes' children, after a wait for helpers that clean up an engine's shared memory."""
        deadline = time.monotonic() + HELPER_SECONDS
        groups = {child.pid for child in self._children.values()}
        while groups := {group for group in groups if _is_alive(group)}:
            if time.monotonic() > deadline:
                for group in groups:
                    with suppress(ProcessLookupError):
                        os.killpg(group, signal.SIGKILL)
                return
            time.sleep(0.05)


def _is_alive(group: int) -> bool:
    """Whether the group has members. Until it has none, no other group can get its id."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
