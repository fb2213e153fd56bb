"""Named faults of a stack's life, one after the other on one control plane: what is lost, and what mends it."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from ops.rehearsal.engine.environment import environment
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from tests.stacks import ROOT

SECONDS = 900
FIREWALL, RELEASE = "gcp:compute/firewall:Firewall", "kubernetes:helm.sh/v3:Release"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


@pytest.fixture(scope="module")
def found(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the scenarios found, each after the other."""
    world = World(tmp_path_factory.mktemp("faults"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.rehearsal.fault_scenarios"],
        cwd=ROOT,
        env=environment(world, [programs.pulumi.parent], os.environ),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def errors(up: dict[str, Any]) -> str:
    return "\n".join(up["errors"])


def test_no_stand_in_failed(found: dict[str, Any]) -> None:
    assert found["stand-ins"] == []


def test_a_creation_whose_answer_is_lost_is_made_up_for(found: dict[str, Any]) -> None:
    """By the next update for an object of Kubernetes; by the documented command for Google Cloud and for Helm."""
    creation = found["creation"]
    assert creation["lost"].keys() == {FIREWALL, RELEASE, CONFIG_MAP}
    said = "\n".join(map(errors, creation["ups"]))
    assert "Firewall network-webhook: googleapi: Error 409: " in said
    assert "Release platform-release: cannot re-use a name that is still in use" in said
    assert said.count("ConfigMap ") == 1  # the next update takes it over
    assert creation["ups"][-1]["ok"]
    assert (creation["again"]["ok"], creation["again"]["changes"]) == (True, 0)


def test_pools_without_machines_and_late_answers_fail_in_googles_words_and_converge(found: dict[str, Any]) -> None:
    (failed,) = [errors(up) for up in found["creation"]["ups"] if "ZONE_RESOURCE_POOL_EXHAUSTED" in errors(up)]
    assert "NodePool decode-pool: " in failed
    assert "NodePool prefill-pool: 1 error occurred:\n    * timeout while waiting for state" in "\n".join(
        map(errors, found["creation"]["ups"])
    )


def test_an_object_whose_creation_was_lost_has_two_owners(found: dict[str, Any]) -> None:
    """The provider's field manager has another name in each creation."""
    (said,) = found["everything changes"]["first"]["errors"]
    assert said.startswith("ConfigMap model-weights-script: ")
    assert 'Apply failed with 1 conflict: conflict with "pulumi-kubernetes-' in said
