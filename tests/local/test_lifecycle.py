"""A whole local run as its user starts it, stops it, and kills it."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ops.local.environment import ROOT
from tests.local.deployed import eventually
from tests.local.private import in_private_network
from tests.local.sample_graph import MODEL
from workloads.jobs.verify.chat import complete
from workloads.jobs.verify.clock import Deadline
from workloads.jobs.verify.web import UnreachableError, fetch

pytestmark = pytest.mark.usefixtures("dynamo")

END_SECONDS = 40
MODULES = {"frontend": "dynamo.frontend", "worker": "dynamo.mocker"}


@dataclass
class Run:
    """One local run: its process, what it printed so far, and the folder that holds all its temporary files."""

    process: subprocess.Popen[str]
    folder: Path
    lines: list[str] = field(default_factory=list)

    def address(self) -> str:
        """The endpoint, as the printed curl command has it, once it is printed."""
        eventually(lambda: self.found() or self.process.poll() is not None)
        assert self.found(), self.output()
        return self.found()

    def found(self) -> str:
        match = re.search(r"curl -N (http://127\.0\.0\.1:\d+)", self.output())
        return match[1] if match else ""

    def output(self) -> str:
        return "".join(self.lines)

    def members(self) -> dict[int, str]:
        """Process id → command line of everything alive that works for this run, the run's own process aside."""
        return {pid: line for pid, line in _alive_under(self.folder) if pid != self.process.pid}

    def member(self, part: str) -> int:
        return next(pid for pid, line in self.members().items() if part in line)

    def end(self) -> int:
        """The exit code, once the run has ended by itself."""
        return self.process.wait(END_SECONDS)

    def left_behind(self) -> tuple[dict[int, str], list[str]]:
        return self.members(), [str(path) for path in self.folder.iterdir()]


@contextmanager
def started(folder: Path, *options: str) -> Iterator[Run]:
    """A run whose temporary files are under `folder`; it is killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.local.launch", *options],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    run = Run(process, folder)
    assert process.stdout is not None
    reader = threading.Thread(target=run.lines.extend, args=(process.stdout,))
    reader.start()
    try:
        yield run
    finally:
        process.kill()
        process.wait()
        reader.join(END_SECONDS)
        process.stdout.close()


def _alive_under(folder: Path) -> Iterator[tuple[int, str]]:
    """Process id and command line of the processes, zombies aside, whose temporary folder is this or lies in it."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and any(f"{value}/".startswith(f"TMPDIR={folder}/") for value in environment):
            yield int(entry.name), line


def chat(address: str) -> str:
    return complete(address, MODEL, "hello", 4, Deadline(20))


def test_once_answers_verifies_and_leaves_nothing(tmp_path: Path) -> None:
    with started(tmp_path, "--once") as run:
        assert run.end() == 0
    assert "first token after" in run.output()
    assert len(re.findall("^verified  ", run.output(), re.MULTILINE)) == 4
    assert "not verified" not in run.output()
    assert run.left_behind() == ({}, [])


def test_once_that_is_stopped_has_verified_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    with started(tmp_path, "--once", "--prefill", "0") as run:
        eventually(lambda: "/v1/models is empty" in run.output())
        run.process.terminate()
        assert run.end() == 1
    assert run.left_behind() == ({}, [])


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_serves_the_users_loopback_until_asked_to_stop(tmp_path: Path, ending: signal.Signals) -> None:
    with started(tmp_path) as run:
        assert chat(run.address())
        run.process.send_signal(ending)
        assert run.end() == 0
    assert "Traceback" not in run.output()
    assert run.left_behind() == ({}, [])
    assert _refuses(run.found())


def test_only_loopback_exists_for_its_processes(tmp_path: Path) -> None:
    with started(tmp_path) as run:
        run.address()
        worker = Path("/proc", str(run.member(MODULES["worker"])))
        interfaces = re.findall(r"^\s*(\w+):", (worker / "net" / "dev").read_text(), re.MULTILINE)
        assert (worker / "ns" / "net").readlink() != Path("/proc/self/ns/net").readlink()
    assert interfaces == ["lo"]


def test_killing_the_command_ends_everything(tmp_path: Path) -> None:
    with started(tmp_path) as run:
        address = run.address()
        assert len(run.members()) == 4
        run.process.kill()
        eventually(lambda: run.left_behind() == ({}, []) and _refuses(address))


def test_killing_the_supervisor_ends_everything_in_a_sentence(tmp_path: Path) -> None:
    with started(tmp_path) as run:
        run.address()
        os.kill(run.member("tests.local.launch"), signal.SIGKILL)
        assert run.end() == 1
        eventually(lambda: run.left_behind() == ({}, []))
    assert "the local run was killed by SIGKILL" in run.output()


@pytest.mark.parametrize("part", MODULES.values())
def test_the_death_of_any_part_ends_everything_in_a_sentence(tmp_path: Path, part: str) -> None:
    with started(tmp_path) as run:
        run.address()
        os.kill(run.member(part), signal.SIGKILL)
        assert run.end() == 1
    assert re.search(r"^error: (frontend|prefill|decode)-0 ended with code -9", run.output(), re.MULTILINE)
    assert run.left_behind() == ({}, [])


def test_a_part_that_refuses_its_flags_is_named_with_its_last_words(tmp_path: Path) -> None:
    with started(tmp_path, "--worker-args=--no-such-flag") as run:
        assert run.end() == 1
    assert "ended with code 2" in run.output()
    assert "--no-such-flag" in run.output()
    assert run.left_behind() == ({}, [])


def test_a_port_in_use_is_the_options_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started(tmp_path, "--port", str(port)) as run:
            assert run.end() == 2
    assert run.output() == f"error: port {port} is in use; choose another with --port, or a free one with --port 0\n"
    assert run.left_behind() == ({}, [])


def test_two_runs_at_once_do_not_meet(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with started(tmp_path / "one") as one, started(tmp_path / "two") as two:
        assert one.address() != two.address()
        assert chat(one.address())
        one.process.terminate()
        assert one.end() == 0
        # The other one has workers of its own.
        assert chat(two.address())


def test_before_the_frontend_listens_a_client_hears_503(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    heard: set[int] = set()
    with started(tmp_path, "--port", str(port)) as run:
        eventually(lambda: heard.add(_status(port)) or 200 in heard)
        assert chat(run.address())
    assert heard <= {0, 503, 404, 200}
    assert heard & {503, 404}


@in_private_network
def test_it_also_serves_without_isolation(tmp_path: Path) -> None:
    # Here the test provides the privacy: the run's event ports listen on every interface.
    with started(tmp_path, "--no-isolation") as run:
        assert chat(run.address())
        run.process.terminate()
        assert run.end() == 0
    assert run.left_behind() == ({}, [])


def _status(port: int) -> int:
    """The status of one chat, 0 if nobody listens."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}
    try:
        return fetch(f"http://127.0.0.1:{port}/v1/chat/completions", Deadline(10), body)[0]
    except UnreachableError:
        return 0


def _refuses(address: str) -> bool:
    port = int(address.rpartition(":")[2])
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
