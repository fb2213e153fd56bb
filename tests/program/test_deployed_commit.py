"""The deployed commit, as docs/day-2.md reads it from Pulumi's history of the stack."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.stacks import ROOT

pytestmark = pytest.mark.skipif(not shutil.which("jq"), reason="jq is not on PATH")

# Stands for the CLI, which was tried: it prints the newest 10 entries, or as many as --page-size says, 1000 included.
PULUMI = """#!/bin/sh
size=10
while [ $# -gt 0 ]; do [ "$1" = --page-size ] && size=$2; shift; done
exec jq ".[:$size]" "$HISTORY"
"""


def entry(kind: str, result: str = "succeeded", commit: str | None = "a" * 40) -> dict[str, Any]:
    return {"kind": kind, "result": result, "environment": {"git.head": commit} if commit else {}}


DEPLOYED, LATER = entry("update"), entry("update", "failed", "b" * 40)
HISTORIES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "an update": ([DEPLOYED, entry("update", commit="c" * 40)], "a" * 40),
    "a dozen refreshes later": ([entry("refresh", commit="b" * 40)] * 12 + [DEPLOYED], "a" * 40),
    "a dozen failed updates later": ([LATER] * 12 + [DEPLOYED], "a" * 40),
    "an update that runs": ([entry("update", "in-progress", "b" * 40), DEPLOYED], "a" * 40),
    "none succeeded": ([LATER, entry("refresh")], "not known"),
    "nothing yet": ([], "not known"),
    "outside of a git checkout": ([entry("update", commit=None)], "not known"),
}


@pytest.mark.parametrize(("history", "commit"), HISTORIES.values(), ids=HISTORIES)
def test_the_page_finds_the_commit_of_the_last_update_that_succeeded(
    history: list[dict[str, Any]], commit: str, tmp_path: Path
) -> None:
    page = (ROOT / "docs/day-2.md").read_text(encoding="utf-8")
    script = re.search(r"^deployed=.*?^echo [^\n]*\n", page, re.DOTALL | re.MULTILINE)
    assert script
    (tmp_path / "history.json").write_text(json.dumps(history))
    cli = tmp_path / "pulumi"
    cli.write_text(PULUMI)
    cli.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", script[0]], capture_output=True, text=True, timeout=60, check=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HISTORY": str(tmp_path / "history.json")},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"deployed: {commit}\n", "")
