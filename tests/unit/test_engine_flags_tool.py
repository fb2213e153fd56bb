"""`make engine-flags`: what it writes is stable, and a runtime that cannot be asked is one sentence."""

import json
from pathlib import Path

import pytest

from ops.local.environment import STAMP
from tools import engine_flags
from tools.engine_flags import RUNTIMES, VLLM


def runtime(cache: Path, script: str) -> None:
    """A finished environment whose python is a shell script."""
    VLLM.python.parent.mkdir(parents=True)
    (VLLM.folder / STAMP).touch()
    VLLM.python.write_text(f"#!/bin/sh\n{script}\n")
    VLLM.python.chmod(0o755)
    assert VLLM.folder.is_relative_to(cache)


@pytest.mark.parametrize("module", ["dynamo.frontend", "dynamo.mocker", "dynamo.vllm"])
def test_a_table_is_written_the_same_way_again(module: str) -> None:
    text = engine_flags.path(module).read_text(encoding="utf-8")
    assert json.loads(text)["module"] == module
    assert engine_flags.formatted(json.loads(text)) == text


def test_the_parsers_get_the_lines_and_none_of_the_users_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("DYN_ROUTER_MODE", "random")
    runtime(tmp_path, """echo '{"tables": {}, "verdicts": ["'"$(cat | tr -d '"')$DYN_ROUTER_MODE"'"]}' > "$2" """)
    answer = engine_flags.ask(RUNTIMES["vllm"], [("dynamo.mocker", ["--seed"])])
    assert answer.verdicts == ("[[dynamo.mocker, [--seed]]]",)


def test_a_broken_runtime_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    runtime(tmp_path, "echo Traceback >&2; echo 'ModuleNotFoundError: no vllm' >&2; exit 1")
    assert engine_flags.main(["vllm"]) == 1
    assert capsys.readouterr().err == "error: the runtime's parsers cannot be asked: ModuleNotFoundError: no vllm\n"


def test_an_unknown_engine_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        engine_flags.main(["vlm"])
    assert end.value.code == 2
    assert "did you mean vllm?" in capsys.readouterr().err
