"""A test of the tests: breaks a copy of this checkout in one way at a time, and expects the rehearsals' tests to fail.

Not part of any other target: `make mutants`. Each mutant's tests must pass without it, and fail with it by what it
breaks.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.programs import find
from tests.mutants.mutants import MUTANTS, Mutant
from tests.stacks import ROOT

SECONDS = 1800
"""Limit of one run of pytest; on two cores that do nothing else, none takes more than two minutes."""
_PASSED, _FAILED = 0, 1
_SHOWN = 3000


@dataclass(frozen=True)
class Tested:
    """How pytest ended."""

    code: int
    said: str
    seconds: float


def main(*chosen: str) -> int:
    """Runs the mutants whose names have one of the given texts, or all. Returns 1 if the tests do not find one, or if a
    text is in no name."""
    if unknown := [text for text in chosen if not any(text in mutant.name for mutant in MUTANTS)]:
        names = "".join(f"\n  {mutant.name}" for mutant in MUTANTS)
        print(f"error: no mutant has {', '.join(map(repr, unknown))} in its name; they are:{names}", file=sys.stderr)
        return 1
    try:
        find()
    except RehearsalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return max(_judged(mutant) for mutant in MUTANTS if _is_chosen(mutant, chosen))


def _is_chosen(mutant: Mutant, texts: Sequence[str]) -> bool:
    return not texts or any(text in mutant.name for text in texts)


def _judged(mutant: Mutant) -> int:
    """0 if the tests fail for this mutant, because of it, and only with it."""
    without, with_ = _without(tuple(mutant.tests)), _tested(mutant.tests, mutant)
    if without.code != _PASSED:
        verdict, shown = "not judged, because its tests also fail without it", without.said
    elif with_.code != _FAILED:
        verdict, shown = f"NOT FOUND: pytest ended with {with_.code}", with_.said
    elif not re.search(mutant.because, with_.said):
        verdict, shown = "NOT FOUND: the tests failed for another reason", with_.said
    else:
        verdict, shown = "found", ""
    print(f"{mutant.name}: {verdict} ({with_.seconds:.0f} s)", flush=True)
    if shown:
        print(shown[-_SHOWN:], file=sys.stderr, flush=True)
    return int(bool(shown))


@cache
def _without(tests: tuple[str, ...]) -> Tested:
    """The tests in an unbroken copy."""
    return _tested(tests, None)


def _tested(tests: Sequence[str], mutant: Mutant | None) -> Tested:
    """The tests in a copy of this checkout, broken by a mutant."""
    with tempfile.TemporaryDirectory(prefix="dynamo-gke-mutant-") as folder:
        _copy(Path(folder))
        for edit in mutant.edits if mutant else ():
            path = Path(folder) / edit.file
            text = path.read_text()
            assert text.count(edit.before) == 1, f"{edit.file} no longer has {edit.before!r} once, which a mutant edits"
            path.write_text(text.replace(edit.before, edit.after))
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *tests, "-x", "-p", "no:cacheprovider"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Tested(done.returncode, done.stdout + done.stderr, time.monotonic() - began)


def _copy(folder: Path) -> None:
    """Copies what git has or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
