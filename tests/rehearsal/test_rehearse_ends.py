"""However a rehearsal ends, no process and no folder of it is left.

Except in the last two tests, the programs are stand-ins that never become ready, and a child of theirs writes into the
folder, which nobody can remove meanwhile.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from ops.local.private_network import interfaces_up
from ops.rehearsal.engine.request import Request
from ops.rehearsal.kubelet import sandbox
from ops.rehearsal.kubelet.sandbox import Container
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import VARIABLE, World
from tests.stacks import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a rehearsal runs on Linux only")

PROCESSES = 5
"""Two of the rehearsal, the program, and its two children."""
SECONDS = 15
"""Limit from a signal until nothing is left."""
NEVER_READY = f"""#!/bin/sh
cat /proc/net/dev > "$HOME/interfaces"
cd "$HOME" && touch 0
{sys.executable} -c '
import os
from itertools import count
for number in count():
    os.replace(str(number), str(number + 1))
' & sleep 1000
"""
KILLED = "the rehearsal was killed by SIGKILL, as the kernel does when memory runs out"
OUTSIDE = """
import os, sys
from ops.rehearsal.engine import outside
from ops.rehearsal.engine.request import Request
code, report = outside.run(Request.from_json(sys.argv[1]), os.environ, keep=sys.argv[2] == "keep")
print(code, [fault["message"] for fault in report["faults"]], flush=True)
"""


def processes_of(temporary: Path) -> dict[int, dict[str, str]]:
    """The processes of rehearsals in this folder, with their environments.

    The programs of Jobs have an environment of their own, and mounts from the folder.
    """
    found: dict[int, dict[str, str]] = {}
    # The folders above these may be in another file system, whose paths begin below them.
    mounted = "/".join(temporary.parts[-3:])
    for process in Path("/proc").glob("[0-9]*"):
        try:
            pairs = (process / "environ").read_bytes().decode(errors="replace").split("\0")
            mounts = (process / "mountinfo").read_text()
        except OSError:  # it has ended
            continue
        env = {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
        if env.get(VARIABLE, "").startswith(str(temporary)) or f"{mounted}/" in mounts:
            found[int(process.name)] = env
    return found


def child_of(parent: int, processes: Iterable[int]) -> int:
    """The one of these processes that the parent has started."""
    stats = {pid: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes}
    (child,) = [pid for pid, stat in stats.items() if int(stat[1]) == parent]
    return child


class Running:
    """A rehearsal in a process of its own, which waits for a program that never becomes ready."""

    def __init__(self, temporary: Path, keep: str = "") -> None:
        self.temporary, self._stderr = temporary, temporary / "stderr"
        program = temporary / "program"
        program.write_text(NEVER_READY)
        program.chmod(0o755)
        programs = Programs(**{field.name: program for field in fields(Programs)})
        request = Request(stack="dev", overrides=[], programs=programs, fail=None, thorough=False, quiet=True)
        with self._stderr.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", OUTSIDE, request.to_json(), keep],
                cwd=ROOT,
                env={**os.environ, "TMPDIR": str(temporary), "KUBECONFIG": "/theirs"},
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )

    @property
    def errors(self) -> str:
        """What it said on stderr after the line with which it began."""
        return self._stderr.read_text().partition("\n")[2]

    @property
    def folders(self) -> list[Path]:
        return [path for path in self.temporary.iterdir() if path.is_dir()]

    def processes(self) -> dict[int, dict[str, str]]:
        return processes_of(self.temporary)

    def wait_for(self, processes: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.processes()) < processes:
            assert self.process.poll() is None, self._stderr.read_text()
            assert time.monotonic() < deadline, "the rehearsal started no program"
            time.sleep(0.1)

    def wait_until_nothing_is_left(self) -> None:
        deadline = time.monotonic() + SECONDS
        while self.processes() or self.folders:
            assert time.monotonic() < deadline, (self.processes().keys(), self.folders)
            time.sleep(0.1)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path)
    try:
        started.wait_for(PROCESSES)
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(running: Running, number: signal.Signals) -> None:
    running.process.send_signal(number)
    out, _ = running.process.communicate(timeout=SECONDS)
    assert out.strip() == "130 ['it was interrupted']"
    assert not running.processes()
    assert not running.folders


def test_ctrl_c_held_down_leaves_nothing_and_the_report_is_whole(running: Running) -> None:
    deadline = time.monotonic() + SECONDS
    while running.process.poll() is None and time.monotonic() < deadline:
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.005)
    out, _ = running.process.communicate(timeout=SECONDS)
    assert (running.process.returncode, out.strip()) == (0, "130 ['it was interrupted']")
    assert not running.processes()
    assert not running.folders


def test_a_killed_parent_leaves_nothing(running: Running) -> None:
    running.process.kill()
    running.wait_until_nothing_is_left()


def test_a_parent_that_is_killed_at_the_start_leaves_nothing(tmp_path: Path) -> None:
    """While the process inside still imports its modules."""
    started = Running(tmp_path)
    started.wait_for(1)
    started.process.kill()
    started.process.communicate()
    started.wait_until_nothing_is_left()


@pytest.mark.parametrize("generation", [1, 2])
def test_a_killed_rehearsal_leaves_nothing(running: Running, generation: int) -> None:
    """The process that waits for the namespace, or the namespace's first, which all others end with."""
    inside = running.process.pid
    for _ in range(generation):
        inside = child_of(inside, running.processes())
    os.kill(inside, signal.SIGKILL)
    out, _ = running.process.communicate(timeout=SECONDS)
    assert out.strip() == f"1 ['{KILLED}']"
    assert running.errors == f"error: {KILLED}\n"
    running.wait_until_nothing_is_left()


def test_a_rehearsal_that_hears_no_signal_ends_all_the_same(running: Running) -> None:
    os.kill(child_of(running.process.pid, running.processes()), signal.SIGSTOP)
    running.process.send_signal(signal.SIGINT)
    out, _ = running.process.communicate(timeout=2 * SECONDS)
    assert out.startswith("130 ")
    running.wait_until_nothing_is_left()


def test_a_closed_terminal_that_the_caller_ignores_ends_nothing(tmp_path: Path) -> None:
    """As nohup does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        started = Running(tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    started.wait_for(PROCESSES)
    started.process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        started.process.wait(2)
    started.process.terminate()
    started.process.communicate(timeout=SECONDS)
    started.wait_until_nothing_is_left()


def test_the_program_of_a_job_would_be_seen(tmp_path: Path) -> None:
    world = World(tmp_path / "rehearsal")
    (world.pods / "u").mkdir(parents=True)
    world.ca.touch()
    container = Container(
        argv=["sleep", "1000"], folder="/", environment={}, mounts=[], hosts={}, read_only_root=True, trusts=world.ca
    )
    process = sandbox.start(container, world.pods / "u" / "root")
    try:
        deadline = time.monotonic() + SECONDS
        while process.pid not in processes_of(tmp_path):
            assert process.poll() is None, sandbox.output(process).read()
            assert time.monotonic() < deadline, "it has not been seen"
            time.sleep(0.1)
    finally:
        process.kill()
        process.communicate()
    assert not processes_of(tmp_path)


def test_its_processes_have_no_network_but_loopback_and_nothing_of_the_callers(running: Running) -> None:
    lines = (running.folders[0] / "interfaces").read_text().splitlines()[2:]
    inside = {line.partition(":")[0].strip() for line in lines}
    outside = interfaces_up()
    assert "lo" in inside
    assert not (inside & (outside - {"lo"}))
    assert {env.get("KUBECONFIG") for env in running.processes().values()} == {None}
    assert {env["HOME"] for env in running.processes().values()} == {str(running.folders[0])}


def test_a_kept_folder_stays(tmp_path: Path) -> None:
    started = Running(tmp_path, "keep")
    started.wait_for(PROCESSES)
    started.process.terminate()
    started.process.communicate(timeout=SECONDS)
    assert not started.processes()
    (folder,) = started.folders
    assert json.loads((folder / "request.json").read_text())["stack"] == "dev"


def test_a_reader_that_ends_leaves_nothing(programs: Programs, tmp_path: Path) -> None:
    """As in `rehearse | head -1`. The next line finds out."""
    rehearsal = subprocess.Popen(
        [sys.executable, "-m", "ops", "rehearse", "--stack", "dev"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert rehearsal.stdout is not None
        assert rehearsal.stdout.readline().startswith("rehearsing stack dev")
        rehearsal.stdout.close()
        _, complaints = rehearsal.communicate(timeout=120)
    finally:
        rehearsal.kill()
    assert (rehearsal.returncode, complaints) == (141, "")
    assert not processes_of(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("after", ["rehearsing stack dev", "  preview: ", "  up: ", "  refresh: "])
def test_ctrl_c_leaves_nothing_at_any_step(programs: Programs, tmp_path: Path, after: str) -> None:
    """While the control plane starts, resources are created, a further update runs, and a model is swapped."""
    rehearsal = subprocess.Popen(
        [sys.executable, "-m", "ops", "rehearse", "--stack", "dev"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert rehearsal.stdout is not None
        assert any(after in line for line in rehearsal.stdout)
        time.sleep(2)
        assert len(processes_of(tmp_path)) > 2
        rehearsal.send_signal(signal.SIGINT)
        rehearsal.communicate(timeout=SECONDS)
    finally:
        rehearsal.kill()
    assert rehearsal.returncode == 130
    assert not processes_of(tmp_path)
    assert not list(tmp_path.iterdir())
