"""Pinned versions do not grow old unnoticed: updates, advisories, and runtimes that GitHub has removed."""

from typing import Any

import pytest
import yaml

from tests.stacks import ROOT
from tests.workflows.files import FOLDER, action_files, steps, workflow

# The first major version of each action that runs on Node 24; GitHub removed Node 20 from its runners in September
# 2026. None: the action is a container and needs no Node.
FIRST_ON_NODE_24: dict[str, int | None] = {
    "actions/cache": 5,
    "actions/checkout": 5,
    "actions/deploy-pages": 5,
    "actions/setup-go": 6,
    "actions/setup-python": 6,
    "actions/upload-artifact": 6,
    "actions/upload-pages-artifact": 5,
    "google-github-actions/auth": 3,
    "google-github-actions/setup-gcloud": 3,
    "google/osv-scanner-action/osv-scanner-action": None,
    "pulumi/actions": 7,
}
LOCKS = {"requirements.txt", *(path.relative_to(ROOT).as_posix() for path in (ROOT / "requirements").glob("*.txt"))}
NPM = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tools").glob("*/package-lock.json")}
GO_MODULES = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tools").rglob("go.mod")}


def used() -> dict[str, int]:
    """Action → major version, of every workflow and local action."""
    found: dict[str, int] = {}
    for path in [*FOLDER.iterdir(), *action_files()]:
        for line in path.read_text().splitlines():
            if "uses: " in line and "uses: ./" not in line:
                action, version = line.split("uses: ")[1].split("@")[0], line.split("# v")[1]
                found[action] = int(version.split(".")[0])
    return found


def test_every_action_runs_on_a_node_that_runners_have() -> None:
    majors = used()
    assert set(majors) == set(FIRST_ON_NODE_24)
    assert {a: v for a, v in majors.items() if (first := FIRST_ON_NODE_24[a]) and v < first} == {}


@pytest.fixture(scope="module")
def updates() -> list[dict[str, Any]]:
    return yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]


def test_updates_cover_every_kind_of_pin_with_a_cooldown(updates: list[dict[str, Any]]) -> None:
    covered = {
        (update["package-ecosystem"], folder)
        for update in updates
        for folder in update.get("directories", [update.get("directory")])
    }
    assert covered == {
        ("github-actions", "/"),
        ("github-actions", "/.github/actions/*"),
        ("pip", "/"),
        *(("gomod", f"/{folder}") for folder in GO_MODULES),
        *(("npm", f"/{folder}") for folder in NPM),
    }
    assert min(update["cooldown"]["default-days"] for update in updates) >= 7


def test_advisories_are_looked_for_in_every_lock_file() -> None:
    (scan,) = [step for step in steps() if "osv-scanner" in step.uses]
    scanned = {argument.removeprefix("--lockfile=") for argument in scan.fields["with"]["scan-args"].split()}
    # The programs of a rehearsal see loopback only and no data of anybody; `make tools` takes what their releases pin.
    exposed = {folder for folder in GO_MODULES if not folder.startswith("tools/rehearsal/")}
    assert scanned == LOCKS | {f"{folder}/go.mod" for folder in exposed} | {
        f"{folder}/package-lock.json" for folder in NPM
    }
    assert workflow("advisories")["on"]["schedule"]
