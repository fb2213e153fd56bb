"""Every named fault in one stack's life: how it shows, and that the documented commands mend it.

The faults, what they must lead to and what mends them are the command's own; a step that did not do what was expected
fails the rehearsal.
"""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from ops.rehearsal.faults.named import Named
from ops.rehearsal.programs import Programs
from tests.stacks import ROOT

SECONDS = 900


@pytest.fixture(scope="module")
def report(programs: Programs) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "rehearse", "--stack", "try", "--fault", "all", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    print(done.stderr)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def said(report: dict[str, Any]) -> str:
    """What every step was and what came of it, one a line."""
    return "\n".join(f"{each['step']}: {each['said']}" for each in report["steps"])


def mends(report: dict[str, Any]) -> list[str]:
    return [each["step"].removeprefix("mend: ") for each in report["steps"] if each["step"].startswith("mend: ")]


def test_every_step_did_what_was_expected(report: dict[str, Any]) -> None:
    assert [step for step in report["steps"] if not step["ok"]] == []
    assert report["converged"]


def test_every_fault_happened(report: dict[str, Any]) -> None:
    """Each failed an update or the destroy, or an update survived it and says what was seen of it."""
    assert [each["step"] for each in report["steps"] if each["skipped"]] == ["token in plain text"]
    failed = {fault for fault in Named if f"failed by {fault}" in said(report) or f", {fault};" in said(report)}
    survived = {
        Named.API_SERVER: r"process \d+ of the API server took the place of \d+",
        Named.NODE_LOST: r"node \S+ vanished",
    }
    seen = {fault for fault, words in survived.items() if re.search(words, said(report))}
    assert (failed | seen, seen) == (set(Named), set(survived))


@pytest.mark.parametrize(
    "command",
    [
        "gcloud compute firewall-rules delete dynamo-try-webhook ",
        "gcloud compute routers nats delete dynamo-try ",
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
    assert any(mend.startswith(command) for mend in mends(report))


def test_nothing_was_left(report: dict[str, Any]) -> None:
    last = report["steps"][-1]
    assert last["step"] == "destroy"
    assert last["said"].endswith("deleted, nothing left")
