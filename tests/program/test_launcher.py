"""`./dynamo-gke`, and what a command says about an unforeseen error."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from ops import __main__ as commands
from ops.commands.ending import DEBUG
from tests.stacks import ROOT


def launched(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(ROOT / "dynamo-gke"), *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_it_runs_from_any_folder_and_stdout_is_the_commands_alone(tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()  # a folder of the caller that must not be taken for ours
    done = launched(tmp_path, "models", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["models"]


def test_a_mistake_keeps_its_sentence_and_exit_code(tmp_path: Path) -> None:
    done = launched(tmp_path, "preview", "--set", "models.chat.layuot=simulated", "--set", "models.chat.layout=")
    assert done.returncode == 2
    assert "models.chat.layuot" in done.stderr
    assert "did you mean layout?" in done.stderr


def test_usage_names_the_script(tmp_path: Path) -> None:
    assert "Usage: dynamo-gke preview" in launched(tmp_path, "preview", "--help").stdout


@pytest.mark.parametrize("debug", [False, True])
def test_an_unexpected_error_is_a_sentence_and_its_traceback_is_kept_behind_a_flag(
    debug: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("ops.commands.render.dry_run", broken)
    monkeypatch.setattr("sys.argv", ["dynamo-gke", *(["--debug"] if debug else []), "render"])
    monkeypatch.setitem(os.environ, DEBUG, "")
    with pytest.raises(SystemExit) as ended:
        commands.main()
    assert ended.value.code == 1
    complaint = capsys.readouterr().err
    assert "error: dynamo-gke failed unexpectedly: ZeroDivisionError: a bug" in complaint
    assert ("Traceback" in complaint) is debug
    assert ("--debug" in complaint) is not debug
