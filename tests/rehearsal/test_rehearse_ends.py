"""However a rehearsal ends, no process and no folder of it is left.

But for one test, the programs are stand-ins that never become ready and start a child of their own.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from ops.local.private_network import interfaces_up
from ops.rehearsal.engine.request import Request
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import VARIABLE
from tests.stacks import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a rehearsal runs on Linux only")

PROCESSES = 5
"""Two of the rehearsal, the program, and its two children."""
SECONDS = 15
"""Limit from a signal until nothing is left."""
NEVER_READY = """#!/bin/sh
cat /proc/net/dev > "$HOME/interfaces"
sleep 1000 & sleep 1000
"""
OUTSIDE = """
import os, sys
from ops.rehearsal.engine import outside
from ops.rehearsal.engine.request import Request
code, report = outside.run(Request.from_json(sys.argv[1]), os.environ, keep=sys.argv[2] == "keep")
print(code, [fault["message"] for fault in report["faults"]], flush=True)
"""


def processes_of(temporary: Path) -> dict[int, dict[str, str]]:
    """The processes of rehearsals in this folder, with their environments."""
    found: dict[int, dict[str, str]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            pairs = (process / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended
            continue
        env = {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
        if env.get(VARIABLE, "").startswith(str(temporary)):
            found[int(process.name)] = env
    return found


class Running:
    """A rehearsal in a process of its own, which waits for a program that never becomes ready."""

    def __init__(self, temporary: Path, keep: str = "") -> None:
        self.temporary = temporary
        program = temporary / "program"
        program.write_text(NEVER_READY)
        program.chmod(0o755)
        programs = Programs(**{field.name: program for field in fields(Programs)})
        request = Request(stack="dev", overrides=[], programs=programs, fail=None, thorough=False, quiet=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", OUTSIDE, request.to_json(), keep],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(temporary), "KUBECONFIG": "/theirs"},
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def folders(self) -> list[Path]:
        return [path for path in self.temporary.iterdir() if path.is_dir()]

    def processes(self) -> dict[int, dict[str, str]]:
        return processes_of(self.temporary)

    def wait_for_programs(self) -> None:
        deadline = time.monotonic() + 60
        while len(self.processes()) < PROCESSES:
            assert self.process.poll() is None, "the rehearsal ended by itself"
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
        started.wait_for_programs()
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


def test_a_killed_rehearsal_leaves_nothing(running: Running) -> None:
    """The first process of the namespace, which all others end with."""
    inside = [pid for pid in running.processes() if b"engine.inside" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(max(inside), signal.SIGKILL)
    out, _ = running.process.communicate(timeout=SECONDS)
    assert out.strip() == "1 ['it ended early; stderr says why']"
    running.wait_until_nothing_is_left()


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
    started.wait_for_programs()
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
