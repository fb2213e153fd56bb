"""Finds the files of a checkout that decide the verdicts of its policy pack.

The rules also depend on data elsewhere: prices, flags, token patterns, the CIDRs that a gateway may allow. A change
there can weaken a rule whose own file, level and settings are unchanged. `policy_strength` compares the levels and
settings in `policies/config.*.json`.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

# The modules that run the rules in a preview and compare them in a diff.
_RUNS_THEM = ("ops/offline/verdicts.py", "ops/offline/policy_strength.py", "ops/offline/judge_recording.py")
# The pinned policy SDK, whose version affects verdicts, and the inputs that a rule knows.
_PINS = ("requirements.txt", "policies/known_inputs.json")
# Folders that rules read as data: engines are found by listing theirs, and the Jobs' programs are compared as text.
_DATA = ("catalog", "workloads/jobs")


def files(root: Path) -> list[Path]:
    """Every file that decides verdicts, relative to the checkout. Follows the rules' imports without running code."""
    waiting = list(_roots(root))
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        if path.suffix == ".py":
            waiting += [file for name in _imports(path) for file in _modules(root, name)]
    return sorted(path.relative_to(root) for path in found)


def _roots(root: Path) -> Iterator[Path]:
    """The files from which the imports are followed."""
    for folder, suffixes in (("policies", (".py", ".yaml")), *((each, (".py", ".json", ".yaml")) for each in _DATA)):
        yield from (path for path in (root / folder).rglob("*") if path.suffix in suffixes)
    yield from (root / path for path in (*_RUNS_THEM, *_PINS))


def digests(root: Path) -> dict[str, str]:
    """Path → SHA-256 of every file that decides verdicts."""
    return {path.as_posix(): hashlib.sha256((root / path).read_bytes()).hexdigest() for path in files(root)}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The files that decide verdicts on one side only, or that differ."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _imports(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, also inside functions. A name may be a module or a member of one."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return  # a module with a syntax error never runs
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _modules(root: Path, name: str) -> Iterator[Path]:
    """The files that an import of this name runs: each package on the way, and the module."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:end])
        yield place / "__init__.py"
        yield place.with_suffix(".py")
