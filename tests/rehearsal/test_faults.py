"""One failed creation of every type of resource of prod: the next update continues, and a destroy leaves nothing."""

import json
import subprocess
import sys
from typing import Any

import pytest

from ops.offline import stackfile
from ops.offline.recording import record
from ops.rehearsal.engine.events import is_resource, type_of
from ops.rehearsal.programs import Programs
from tests.stacks import ROOT

SECONDS = 900


@pytest.fixture(scope="module")
def report(programs: Programs) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "rehearse", "--stack", "prod", "--fail-every", "type", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    print(done.stderr)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_every_step_did_what_was_expected(report: dict[str, Any]) -> None:
    assert [step for step in report["steps"] if not step["ok"]] == []
    assert report["converged"]


def test_one_creation_of_every_type_failed_and_was_made_up_for(report: dict[str, Any]) -> None:
    resources = [each.urn for each in record(ROOT, stackfile.read(ROOT, "prod")).resources if is_resource(each.urn)]
    assert {type_of(urn) for urn in report["struck"]} == {type_of(urn) for urn in resources}
    assert len(report["struck"]) > 30
    assert [urn for urn, update in report["struck"].items() if not update] == []


def test_nothing_was_left(report: dict[str, Any]) -> None:
    last = report["steps"][-1]
    assert last["step"] == "destroy"
    assert last["said"].endswith("deleted, nothing left")
