"""Environments are created once, completely, and checked."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ops.local import environment
from ops.local.environment import DYNAMO, ROOT, Environment, cache_folder, create_once, run
from ops.local.errors import LocalRunError
from tests.local.deployed import eventually


def _make_slowly(folder: Path, log: Path) -> None:
    def make(made: Path) -> None:
        with log.open("a") as handle:
            handle.write("made\n")
        # Long enough that the others come while it is half made.
        run(["sleep", "0.5"], print)
        made.mkdir()
        (made / "content").write_text("whole")

    create_once(folder, make, lambda _: None)
    assert (folder / "content").read_text() == "whole"


def test_runs_that_start_at_once_make_it_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    fork = multiprocessing.get_context("fork")
    makers = [fork.Process(target=_make_slowly, args=(tmp_path / "env", log)) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(20)
    assert [maker.exitcode for maker in makers] == [0, 0, 0, 0]
    assert log.read_text() == "made\n"


def test_an_incomplete_folder_is_created_again(tmp_path: Path) -> None:
    folder = tmp_path / "env"

    def fail(made: Path) -> None:
        made.mkdir()
        (made / "half").touch()
        raise LocalRunError("the network went away")

    with pytest.raises(LocalRunError, match="the network went away"):
        create_once(folder, fail, print)
    create_once(folder, lambda made: (made / "bin").mkdir(parents=True), print)
    assert sorted(path.name for path in folder.iterdir()) == [".complete", "bin"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalRunError, match=r"file/env cannot be created: (Not a directory|File exists)"):
        create_once(tmp_path / "file" / "env", Path.mkdir, print)


def test_a_broken_environment_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lock = tmp_path / "lock.txt"
    lock.write_text("")
    environment = Environment("test", (lock,), "no_such_module")
    environment.folder.mkdir(parents=True)
    (environment.folder / ".complete").touch()
    with pytest.raises(LocalRunError, match=r"the test environment is broken \(.*No such file.*\); remove .*test-"):
        environment.ensure(print)
    environment.python.parent.mkdir()
    environment.python.write_text("#!/bin/sh\necho 'ModuleNotFoundError: no module' >&2; exit 1\n")
    environment.python.chmod(0o755)
    with pytest.raises(LocalRunError, match=r"is broken \(ModuleNotFoundError: no module\)"):
        environment.ensure(print)


def test_a_changed_lock_gets_a_new_environment(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("a==1\n")
    before = Environment("test", (lock,), "a").folder
    lock.write_text("a==2\n")
    assert Environment("test", (lock,), "a").folder != before


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "dynamo-gke"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "dynamo-gke"


def test_a_command_that_fails_ends_in_its_own_complaint() -> None:
    with pytest.raises(LocalRunError, match=r"sh failed with code 3: ERROR: no space left"):
        run(["sh", "-c", "echo ERROR: no space left; echo more; exit 3"], print)


def test_an_install_that_is_killed_at_its_limit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "INSTALL_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(LocalRunError, match=r"^sh was not done after .* minutes and was stopped; .*: slow mirror"):
        # The child of the shell holds the pipe: it has to end, too.
        run(["sh", "-c", "echo slow mirror; sleep 60; true"], print)
    assert time.monotonic() - started < 20


def test_ctrl_c_during_an_install_ends_it_at_once(tmp_path: Path) -> None:
    script = "echo $$ > pid; sleep 60; true"
    # Whoever starts the tests in the background has them ignore Ctrl-C, and children inherit that.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heard}; from ops.local.environment import run; run(['sh', '-c', {script!r}], print)"
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
    )
    eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=20)
    assert b"KeyboardInterrupt" in complaint
    assert time.monotonic() - started < 20
    installer = (tmp_path / "pid").read_text().strip()

    def ended() -> bool:
        processes = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
        states = [line.split()[1] for line in processes.splitlines() if line.split()[0] == installer]
        return all(state.startswith("Z") for state in states)

    # What is killed takes a moment to end, and nobody here can wait for the child of a child.
    eventually(ended, 5)


@pytest.mark.parametrize(
    "lock", [ROOT / "requirements.txt", *sorted((ROOT / "requirements").glob("*.txt"))], ids=lambda path: path.name
)
def test_every_package_is_pinned_with_a_hash_and_no_index_is_named(lock: Path) -> None:
    text = lock.read_text()
    pins = re.findall(r"^[\w.\[\]-]+==\S+.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert pins
    assert all("--hash=sha256:" in pin for pin in pins)
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)


def test_the_dynamo_lock_has_what_the_processes_start() -> None:
    assert {"ai-dynamo==1.6.1", "ai-dynamo-runtime==1.6.1"} <= set(
        re.findall(r"^[\w-]+==[\w.]+", DYNAMO.locks[0].read_text(), re.M)
    )
