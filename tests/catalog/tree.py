"""A copy of the program with made-up catalog items in it, and the preview of a stack that uses them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import dynamo_gke
from tests.stacks import ROOT

MADE_UP = Path(__file__).parent / "made_up"
ROOMS = (*dynamo_gke.ROOMS, "dynamo_gke", "policies", "ops")
STACK = "made"


def copy(folder: Path) -> Path:
    """The program without its tests and docs, in `folder`; with bytecode, so that a run need not compile all of it."""
    for room in ROOMS:
        # Python writes bytecode under such a name first, and renames it: another test may do so now.
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("*.pyc.*"))
    for path in (ROOT / "__main__.py", ROOT / "Pulumi.yaml", *ROOT.glob("*.py")):
        shutil.copy(path, folder)
    return folder


def copy_with_tests(folder: Path) -> Path:
    """The program with its tests and docs, but without test data that `folder` does not need."""
    for entry in ("tests", "docs", "tools", "bootstrap", "pyproject.toml", "README.md"):
        source = ROOT / entry
        if source.is_dir():
            shutil.copytree(source, folder / entry, ignore=shutil.ignore_patterns("__pycache__", "golden"))
        else:
            shutil.copy(source, folder)
    return copy(folder)


def add(folder: Path, source: str, place: str) -> None:
    """One made-up file, put where files of its kind are."""
    (folder / place).parent.mkdir(exist_ok=True)
    shutil.copy(MADE_UP / source, folder / place)


def add_line(folder: Path, place: str, old: str, new: str) -> None:
    """The one line more that a mode needs; `old` is in the file once."""
    path = folder / place
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {place}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def add_mode(folder: Path, room: str, module: str, class_: str) -> None:
    """A made-up capacity or RDMA mode: its file, and its entry in `MODES`."""
    add(folder, f"{module}.py", f"catalog/{room}/{module}.py")
    listed, before = f"catalog/{room}/__init__.py", f"from catalog.{room}.mode import "
    add_line(folder, listed, before, f"from catalog.{room}.{module} import {class_}\n{before}")
    add_line(folder, listed, ")\n\nNAMES = ", f"    {class_}(),\n)\n\nNAMES = ")


def run(folder: Path, *words: str, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    """A Python module of `folder`, run there."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@dataclass(frozen=True)
class Preview:
    """What `ops preview --json` prints."""

    shown: Mapping[str, Any]
    text: str

    def resources(self, suffix: str) -> Iterator[Mapping[str, Any]]:
        """Inputs of every resource whose type ends so."""
        yield from (r["inputs"] for r in self.shown["resources"] if r["type"].endswith(suffix))

    def one(self, suffix: str, name: str) -> Mapping[str, Any]:
        (found,) = (r for r in self.shown["resources"] if r["type"].endswith(suffix) and r["name"] == name)
        return found["inputs"]

    @property
    def plan(self) -> Mapping[str, Any]:
        return self.shown["plan"]

    def worker(self, graph: str, role: str) -> Mapping[str, Any]:
        """The component of a role in a graph."""
        (found,) = (
            c for c in self.one("DynamoGraphDeployment", f"{graph}-graph")["spec"]["components"] if c["name"] == role
        )
        return found

    def container(self, graph: str, role: str) -> Mapping[str, Any]:
        (found,) = self.worker(graph, role)["podTemplate"]["spec"]["containers"]
        return found


def preview(folder: Path, settings: Mapping[str, Any], policies: Mapping[str, Any], *, fails: bool = False) -> Preview:
    """A stack of `folder`, previewed by the program in it: valid, whatever policies say, unless it has to fail."""
    config = {key if ":" in key else f"dynamo-gke:{key}": value for key, value in settings.items()}
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    (folder / "policies" / f"config.{STACK}.json").write_text(json.dumps(policies), encoding="utf-8")
    done = run(folder, "ops", "preview", "--stack", STACK, "--json")
    assert done.returncode in ((2,) if fails else (0, 3)), done.stdout[-3000:] + done.stderr[-3000:]
    return Preview(json.loads(done.stdout), done.stdout)
