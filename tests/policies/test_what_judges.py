"""Every file that affects verdicts is known and has an owner."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from ops.offline import what_judges
from tests.stacks import ROOT, SHIPPED

OWNERS = ROOT / ".github/CODEOWNERS"
# Imports and judges as `diff` does, and prints the files of this checkout that Python opens meanwhile.
TRACED = """
import json, sys
opened = set()
sys.addaudithook(lambda event, of: opened.add(str(of[0])) if event == "open" and isinstance(of[0], str) else None)
sys.dont_write_bytecode = True
from ops.offline.judge_recording import violations
previewed = json.load(sys.stdin)
for stack in sys.argv[1:]:
    violations(stack, previewed[stack])
loaded = {module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)}
print(json.dumps(sorted(opened | loaded)))
"""


def owned() -> dict[str, str]:
    lines = OWNERS.read_text().splitlines()
    return dict(line.split() for line in lines if line and not line.startswith("#"))


def unowned(files: Iterable[Path], patterns: Iterable[str]) -> list[str]:
    """The files that no pattern matches. A pattern with a final slash is a folder, any other one file."""
    owners = tuple(patterns)
    folders = tuple(pattern for pattern in owners if pattern.endswith("/"))
    paths = [f"/{file.as_posix()}" for file in files]
    return [path for path in paths if path not in owners and not path.startswith(folders)]


def guarded() -> list[Path]:
    """The files that decide verdicts, run in a job that judges, or decide who may deploy."""
    folders = [path for folder in (".github", "bootstrap", "ops") for path in (ROOT / folder).rglob("*")]
    jobs = "\n".join(path.read_text() for path in (ROOT / ".github/workflows").iterdir())
    tools = [path for path in (ROOT / "tools").iterdir() if path.is_file() and path.stem in jobs]
    assert tools
    installs = [ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / "tools/setup.sh"]
    kept = [path for path in folders if path.is_file() and path.suffix != ".pyc"]
    return what_judges.files(ROOT) + [path.relative_to(ROOT) for path in (*kept, *tools, *installs)]


def test_owners_are_named_for_what_judges() -> None:
    assert unowned(guarded(), owned()) == []
    assert all((ROOT / path.lstrip("/")).exists() for path in owned())
    (placeholder,) = set(owned().values())
    assert placeholder in (ROOT / "docs/policies.md").read_text()


@pytest.mark.parametrize("pattern", owned())
def test_every_owner_is_needed(pattern: str) -> None:
    """Without any one of the lines, some file that affects verdicts would have no owner."""
    assert unowned(guarded(), owned().keys() - {pattern}) != []


def test_every_file_that_is_read_for_a_verdict_counts(tmp_path: Path) -> None:
    """The files are observed in a process that judges the shipped stacks, not derived from imports."""
    from tests.stacks import recorded

    previewed = {
        stack: {"resources": [r.to_wire() for r in recorded(stack).resources], "outputs": {}} for stack in SHIPPED
    }
    done = subprocess.run(
        [sys.executable, "-c", TRACED, *SHIPPED], cwd=ROOT, input=json.dumps(previewed),
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    paths = [Path(name) for name in json.loads(done.stdout)]
    ours = {path.resolve().relative_to(ROOT) for path in paths if path.resolve().is_relative_to(ROOT)}
    # A module counts by its source; levels and settings are compared separately.
    read = {path for path in ours if path.parts[0] not in (".venv", ".git") and path.suffix not in (".pyc", "")}
    configured = {path for path in read if path.match("policies/config.*.json")}
    assert len(read) > 50
    assert read - configured - set(what_judges.files(ROOT)) == set()


def checkout(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_file_counts_that_a_rule_imports_however_deep(tmp_path: Path) -> None:
    root = checkout(
        tmp_path,
        policies__rules="def judge():\n    from settings import ranges\n",
        settings__ranges="import reading.tokens\n",
        reading__tokens="WIDEST = 8\n",
        infra__cluster="import pulumi\n",
    )
    before = what_judges.digests(root)
    assert set(before) == {"policies/rules.py", "settings/ranges.py", "reading/tokens.py"}
    (root / "reading/tokens.py").write_text("WIDEST = 0\n")
    assert what_judges.changed(before, what_judges.digests(root)) == ["reading/tokens.py"]
    (root / "settings/ranges.py").unlink()
    assert what_judges.changed(before, what_judges.digests(root)) == ["reading/tokens.py", "settings/ranges.py"]
