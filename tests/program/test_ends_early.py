"""Ctrl-C at any moment of a command, and output whose reader has ended."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stacks import ROOT

SECONDS = 60
WAITS = """
import sys, time
try:
    print("reached", file=sys.stderr, flush=True)
    time.sleep(60)
finally:
    for _ in range(50):
        time.sleep(0.01)
    print("cleaned up", file=sys.stderr, flush=True)
"""
IMPORTS, PROGRAM = "typer", "pulumi"
"""Packages that every command imports before it runs, and that runs a stack's program."""
COMMANDS: list[tuple[str, tuple[str, ...]]] = [
    (IMPORTS, ("preview", "--stack", "dev")),
    (PROGRAM, ("preview", "--stack", "dev")),
    (PROGRAM, ("rehearse", "--stack", "dev", "--fail", "NodePool")),
]


def interrupted(folder: Path, package: str, words: tuple[str, ...], *, held_down: bool) -> tuple[int, str, list[str]]:
    """A command's exit code, stdout and lines on stderr if Ctrl-C comes while it imports a package."""
    (folder / f"{package}.py").write_text(WAITS)
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "reached\n"
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + SECONDS
        while held_down and process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        out, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return process.returncode, out, err.splitlines()


@pytest.mark.parametrize("held_down", [False, True], ids=["once", "held-down"])
@pytest.mark.parametrize(("package", "words"), COMMANDS)
def test_ctrl_c_ends_a_command_with_130_and_a_word(
    package: str, words: tuple[str, ...], held_down: bool, tmp_path: Path
) -> None:
    """Held down, it does not stop the clean-up that the first one began."""
    code, out, err = interrupted(tmp_path, package, words, held_down=held_down)
    # Before a command runs, there is nothing to clean up.
    assert (code, out, err) == (130, "", [] if package == IMPORTS else ["cleaned up", "error: it was interrupted"])


@pytest.mark.parametrize("held_down", [False, True], ids=["once", "held-down"])
@pytest.mark.parametrize(("package", "words"), COMMANDS)
def test_ctrl_c_is_one_object_with_json(package: str, words: tuple[str, ...], held_down: bool, tmp_path: Path) -> None:
    code, out, err = interrupted(tmp_path, package, (*words, "--json"), held_down=held_down)
    assert (code, err) == (130, [] if package == IMPORTS else ["cleaned up"])
    assert json.loads(out) == {"faults": [{"path": "command", "message": "it was interrupted"}]}


def test_a_command_in_the_background_ignores_ctrl_c(tmp_path: Path) -> None:
    """As a shell without job control starts it."""
    signals_itself = "import os, signal; os.kill(os.getpid(), signal.SIGINT); raise SystemExit(7)"
    (tmp_path / f"{PROGRAM}.py").write_text(signals_itself)
    done = subprocess.run(
        ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-m", "ops", "preview", "--stack", "dev"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 7


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("models",),
        ("machines", "--json"),
        ("preview", "--stack", "dev"),
        ("preview", "--stack", "prd", "--json"),
    ],
)
def test_output_that_nobody_reads_ends_a_command_quietly_with_141(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ops", *words],
            cwd=ROOT,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    finally:
        os.close(writing)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
    assert (done.returncode, complaints) == (141, [])
