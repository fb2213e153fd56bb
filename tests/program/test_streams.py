"""stdin, stdout and stderr that are closed, full, or without UTF-8: the exit code stays, and nothing is a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from ops import streams
from tests.catalog.tree import copy
from tests.stacks import ROOT

SECONDS = 240
FULL = "error: stdout cannot be written (No space left on device), so the output is incomplete; write it elsewhere\n"
OPS = f"'{sys.executable}' -m ops"
ENCODINGS: list[dict[str, str]] = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


def shell(line: str, env: Mapping[str, str] = {}, folder: Path = ROOT) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    ["--help", "machines --json", "preview -s nope --json", "rollout -s prod --set models.chat.decode.replicas=2"],
)
def test_a_full_disk_is_said_in_one_sentence(words: str) -> None:
    done = shell(f"{OPS} {words} > /dev/full")
    said = [line for line in done.stderr.decode().splitlines(keepends=True) if not line.startswith("warning: ")]
    assert (done.returncode, said) == (1, [FULL])


def test_init_has_written_its_files_where_stdout_is_lost(tmp_path: Path) -> None:
    given = "--project ours-1 --zone europe-west1-b --layout simulated --model qwen3-0.6b"
    done = shell(f"{OPS} init sim --yes {given} > /dev/full", folder=(folder := copy(tmp_path)))
    assert (done.returncode, done.stderr.decode()) == (1, FULL)
    assert (folder / "Pulumi.sim.yaml").is_file()


@pytest.mark.parametrize(
    ("line", "code", "out"),
    [
        ("preview -s dev >&-", 0, ""),
        ("preview -s nope 2>&-", 2, ""),
        ("preview -s nope 2>/dev/full", 2, ""),
        ("preview -s nope --json <&- >&- 2>&-", 2, ""),
        ("schema <&- 2>&- | head -c 1", 0, "{"),
        ("init new <&-", 1, ""),
    ],
)
def test_a_closed_stream_is_like_dev_null(line: str, code: int, out: str) -> None:
    """An error has to stay off stdout, where Python prints it if stderr is closed."""
    done = shell(f"{OPS} {line}")
    assert (done.returncode, done.stdout.decode()) == (code, out)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("env", ENCODINGS, ids=lambda env: "-".join(env.values()))
@pytest.mark.parametrize("words", ["preview -s dev", "machines"])
def test_text_without_utf_8_is_what_the_encoding_has(words: str, env: dict[str, str]) -> None:
    done = shell(f"{OPS} {words}", env)
    assert (done.returncode, b"error" in done.stderr) == (0, False)
    usual = shell(f"{OPS} {words}").stdout.decode()
    assert b"----" in done.stdout
    assert "────" in usual
    # Line for line, and not a word lost.
    assert len(done.stdout.splitlines()) == len(usual.splitlines())
    assert [word for word in usual.split() if word.isascii() and word.isalnum()] == [
        word for word in done.stdout.decode("latin-1").split() if word.isascii() and word.isalnum() and word != "x"
    ]


@pytest.mark.parametrize("words", ["preview -s dev --json", "render -s prod", "schema"])
def test_data_without_utf_8_is_escaped_not_changed(words: str) -> None:
    """JSON and YAML have escapes; a question mark in their place would be another value."""

    def loaded(env: Mapping[str, str]) -> object:
        text = shell(f"{OPS} {words}", env).stdout.decode("ascii" if env else "utf-8")
        return list(yaml.safe_load_all(text)) if "render" in words else json.loads(text)

    assert loaded({"PYTHONIOENCODING": "ascii"}) == loaded({})


def test_a_user_s_own_way_with_characters_stays() -> None:
    done = shell(f"{OPS} preview -s dev", {"PYTHONIOENCODING": "ascii:backslashreplace"})
    assert done.returncode == 0
    assert rb"\u2500" in done.stdout


def test_characters_of_names_that_are_no_text_do_not_stop_a_command() -> None:
    """Such as a file's name from another system, which Python holds as a lone surrogate."""
    done = shell(f"{OPS} preview -s \"$(printf '\\377')\" --json")
    assert done.returncode == 2
    assert "stack" in json.loads(done.stdout)


def test_diff_reads_a_base_without_utf_8() -> None:
    done = shell(f"{OPS} diff -s dev --base HEAD", ENCODINGS[2])
    assert (done.returncode, done.stderr.count(b"error")) == (0, 0)


def test_every_ascii_stand_in_is_ascii() -> None:
    assert all(text.isascii() for text in streams._ASCII.values())  # pyright: ignore[reportPrivateUsage]
