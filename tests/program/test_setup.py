"""`tools/setup.sh`: an environment that is missing, whole, or what a failed set-up left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stacks import ROOT

SECONDS = 240
REAL = sys._base_executable  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] - of no environment
# Debian's Python without python3-venv has created the folder and its Python when it finds that pip cannot be added.
WITHOUT_VENV = f"""#!/bin/sh
[ "$2" = venv ] || exec '{REAL}' "$@"
'{REAL}' -m venv --without-pip "$3"
echo "The virtual environment was not created successfully because ensurepip is not available."
exit 1
"""
FAILED = (
    "error: `python3 -m venv` failed; on Debian and Ubuntu run `sudo apt install python3-venv`, or install uv; then "
    "run this again"
)


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    (tmp_path / "lock.txt").touch()
    (tmp_path / "bin").mkdir()
    for program in ("sh", "rm"):
        (tmp_path / "bin" / program).symlink_to(f"/bin/{program}")
    return tmp_path / "venv"


def set_up(
    venv: Path, python: str = f"#!/bin/sh\nexec '{REAL}' \"$@\"\n", uv: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Runs the script with these programs alone on PATH."""
    programs = venv.parent / "bin"
    for name, script in (("python3", python), ("uv", uv)):
        if script:
            (programs / name).write_text(script)
            (programs / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", str(ROOT / "tools/setup.sh"), str(venv), str(venv.parent / "lock.txt")],
        env={**os.environ, "PATH": str(programs)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def runs_pip(venv: Path) -> bool:
    done = subprocess.run([venv / "bin/python", "-c", "import pip"], capture_output=True, timeout=SECONDS, check=False)
    return done.returncode == 0


def test_a_set_up_that_failed_heals_once_its_cause_is_gone(venv: Path) -> None:
    failed = set_up(venv, WITHOUT_VENV)
    assert (failed.returncode, failed.stderr.splitlines()[-1]) == (1, FAILED)
    assert (venv / "bin/python").exists()
    again = set_up(venv)
    assert (again.returncode, runs_pip(venv)) == (0, True), again.stderr
    kept = venv / "kept"
    kept.touch()
    assert set_up(venv).returncode == 0
    assert kept.exists(), "a whole environment is kept"


@pytest.mark.parametrize("left", ["interrupted", "python is gone"])
def test_with_uv_what_is_no_environment_is_created_again(left: str, venv: Path) -> None:
    """uv refuses a folder that exists."""
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").touch()
    if left == "python is gone":
        (venv / "bin/python").symlink_to("/nowhere/python3.11")
    uv = '#!/bin/sh\n[ "$1" = pip ] || for last; do :; done\n[ "$1" = pip ] || [ ! -e "$last" ]\n'
    done = set_up(venv, uv=uv)
    assert done.returncode == 0, done.stderr


def test_a_folder_that_is_no_environment_is_never_removed(venv: Path) -> None:
    venv.mkdir()
    (venv / "thesis.txt").touch()
    set_up(venv, WITHOUT_VENV.replace("--without-pip", "--help"))
    assert (venv / "thesis.txt").exists()
