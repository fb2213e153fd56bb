"""Two lives of prod in one control plane: one failed creation of every type of its resources, then every named fault.

The named faults, what they must lead to and what mends them are the command's own; a step that did not do what was
expected fails the rehearsal.
"""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from ops.offline import stackfile
from ops.offline.recording import record
from ops.rehearsal.engine.events import is_resource, type_of
from ops.rehearsal.faults.named import Named
from ops.rehearsal.programs import Programs
from tests.stacks import ROOT

SECONDS = 900
"""Limit of both lives together. Two busy cores need ten minutes."""
COMMAND = ("rehearse", "--stack", "prod", "--fail-every", "type", "--fault", "all", "--json")
CREATIONS, NAMED = 1, 2
"""The lives."""


@pytest.fixture(scope="module")
def report(kubectl: None, programs: Programs) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "ops", *COMMAND],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    print(done.stderr)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert "steps" in found, found["faults"]
    return found


def steps(report: dict[str, Any], life: int) -> list[dict[str, Any]]:
    return [step for step in report["steps"] if step["life"] == life]


def test_every_step_did_what_was_expected(report: dict[str, Any]) -> None:
    assert [step for step in report["steps"] if not step["ok"] or step["skipped"]] == []
    assert report["converged"]


def test_one_creation_of_every_type_failed_and_was_made_up_for(report: dict[str, Any]) -> None:
    resources = [each.urn for each in record(ROOT, stackfile.read(ROOT, "prod")).resources if is_resource(each.urn)]
    assert {type_of(urn) for urn in report["struck"]} == {type_of(urn) for urn in resources}
    assert len(report["struck"]) > 30
    updates = {step["step"] for step in steps(report, CREATIONS)}
    assert set(report["struck"].values()) <= updates


def test_every_named_fault_happened(report: dict[str, Any]) -> None:
    """Each failed an update or the destroy, or an update survived it and says what was seen of it."""
    said = "\n".join(f"{each['step']}: {each['said']}" for each in steps(report, NAMED))
    failed = {fault for fault in Named if f"failed by {fault}" in said or f", {fault};" in said}
    survived = {
        Named.API_SERVER: r"process \d+ of the API server took the place of \d+",
        Named.NODE_LOST: r"node \S+ vanished",
    }
    seen = {fault for fault, words in survived.items() if re.search(words, said)}
    assert (failed | seen, seen) == (set(Named), set(survived))


@pytest.mark.parametrize(
    "command",
    [
        "gcloud compute firewall-rules delete dynamo-prod-",  # of several, the one whose creation begins first
        "pulumi import --yes ",
        "kubectl -n dynamo-system delete secret -l owner=helm,name=dynamo-platform",
        "pulumi cancel --yes",
        "pulumi refresh --yes --clear-pending-creates",
        "kubectl delete configmap ",
        "PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up --target ",
        "kubectl -n dynamo-system scale deployment dynamo-platform-dynamo-operator-controller-manager --replicas 2",
        "kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration -l ",
        "kubectl --namespace dynamo patch dynamographdeployment chat --type merge --patch",
    ],
)
def test_each_documented_command_mended_something(report: dict[str, Any], command: str) -> None:
    assert any(step["step"].startswith(f"mend: {command}") for step in steps(report, NAMED))


@pytest.mark.parametrize("life", [CREATIONS, NAMED])
def test_nothing_was_left(report: dict[str, Any], life: int) -> None:
    last = steps(report, life)[-1]
    assert last["step"] == "destroy"
    assert last["said"].endswith("deleted, nothing left")
