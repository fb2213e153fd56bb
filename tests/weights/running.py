"""Runs the download as the Job does, and checks the result."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.weights.hub import FILES, REPOSITORY, REVISION, TOKEN, Hub
from workloads.weights import PROGRAM, modules


def command(hub: Hub, place: Path, *more: str) -> list[str]:
    """Runs the program as in the Job: the ConfigMap's files, and only the standard library."""
    program = place / "script"
    for path, text in modules().items():
        if not (program / path).exists():  # another process may be reading it
            (program / path).parent.mkdir(parents=True, exist_ok=True)
            (program / path).write_text(text)
    start = (
        f"import sys, runpy; sys.path.insert(0, {str(program)!r}); runpy.run_module({PROGRAM!r}, run_name='__main__')"
    )
    return [
        sys.executable, "-I", "-S", "-c", start, "--repository", REPOSITORY, "--revision", REVISION,
        "--endpoint", hub.url, "--target", str(place / "target"), "--scratch", str(place / "scratch"),
        "--backoff", "0.01", *more,
    ]  # fmt: skip


def environment(token: str | None) -> dict[str, str]:
    """The environment without this machine's proxy and token."""
    return {"PATH": os.environ["PATH"]} | ({"HF_TOKEN": token} if token else {})


def fetch(hub: Hub, place: Path, *more: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(hub, place, *more), env=environment(token), capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return done


def folder(place: Path) -> Path:
    return place / "target" / REPOSITORY / REVISION


def marker(place: Path) -> Path:
    """The marker next to the folder."""
    return folder(place).with_name(f"{REVISION}.complete.json")


def earlier_marker(place: Path) -> Path:
    """The marker of earlier releases."""
    return folder(place) / f".complete-{REVISION}.json"


def placed(place: Path) -> set[str]:
    return {str(path.relative_to(folder(place))) for path in folder(place).rglob("*") if path.is_file()}


def fetched(place: Path) -> dict[str, bytes]:
    return {path: (folder(place) / path).read_bytes() for path in placed(place)}


def assert_whole(done: subprocess.CompletedProcess[str], place: Path) -> None:
    assert (done.returncode, done.stderr) == (0, "")
    assert fetched(place) == FILES
    assert set(json.loads(marker(place).read_text())["files"]) == set(FILES)
    assert not [path for path in (place / "scratch").rglob("*") if path.is_file()]


def assert_failed(done: subprocess.CompletedProcess[str], place: Path, *says: str) -> None:
    """Checks that the download failed with one sentence and exit code 1, and left no marker or partial file."""
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    for words in says:
        assert words in line
    assert not marker(place).exists()
