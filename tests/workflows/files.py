"""The workflows as the tests see them: parsed, and walked step by step."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.stacks import ROOT

FOLDER = ROOT / ".github" / "workflows"
ACTIONS = ROOT / ".github" / "actions"
NAMES = ("advisories", "ci", "comment", "deploy", "docs", "drift", "preview")


@dataclass(frozen=True)
class Step:
    """One step, with the workflow and the job (of a composite action: its name) that it is in."""

    workflow: str
    job: str
    fields: dict[str, Any]

    @property
    def run(self) -> str:
        return self.fields.get("run", "")

    @property
    def uses(self) -> str:
        return self.fields.get("uses", "")


def workflow(name: str) -> dict[str, Any]:
    """One workflow. YAML 1.1 reads the key `on` as true; here it is `on` again."""
    parsed = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return {("on" if key is True else key): value for key, value in parsed.items()}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(workflow, name, job) of every job."""
    for name in NAMES:
        for job, fields in workflow(name)["jobs"].items():
            yield name, job, fields


def steps() -> Iterator[Step]:
    """Every step of every workflow and every local action."""
    for name, job, fields in jobs():
        for step in fields["steps"]:
            yield Step(name, job, step)
    for path in action_files():
        for step in yaml.safe_load(path.read_text())["runs"]["steps"]:
            yield Step("actions", path.parent.name, step)


def action_files() -> list[Path]:
    return sorted(ACTIONS.glob("*/action.yaml"))
