"""Without the programs, rehearsals are skipped where everybody sees it, and `make test` leaves them out."""

import os
import subprocess
import sys
from pathlib import Path

from tests.stacks import ROOT


def test_the_summary_says_what_was_not_rehearsed(tmp_path: Path) -> None:
    files = [f"tests/rehearsal/test_{name}.py" for name in ("programs", "faults")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *files],
        cwd=ROOT, env={**os.environ, "PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert " NOT REHEARSED " in done.stdout
    assert "are missing: run `make tools`, which builds them once\n" in done.stdout
    assert "\nkubectl is not on PATH, so no creation failed and no named fault was mended: install it\n" in done.stdout


def test_the_everyday_tests_collect_no_rehearsal() -> None:
    make = subprocess.run(
        ["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    (command,) = [line for line in make.stdout.splitlines() if " -m pytest " in line]
    assert "--ignore tests/rehearsal" in command
