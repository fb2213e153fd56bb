"""The simulated Google Cloud under the real engine, and GKE's doings in a real control plane."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ops.rehearsal.engine.environment import environment
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from tests.stacks import ROOT

SECONDS = 900


def scenario(name: str, folder: Path, programs: Programs) -> dict[str, Any]:
    """What a scenario found."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.rehearsal.google_scenarios", name, json.dumps(programs.to_wire())],
        cwd=ROOT,
        env=environment(World(folder), [programs.pulumi.parent], os.environ),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_engine_creates_mends_changes_and_destroys_what_prod_has_in_google_cloud(
    tmp_path: Path, programs: Programs
) -> None:
    found = scenario("google", tmp_path, programs)
    size = found["preview"]["create"]
    assert found["preview"] == {"create": size}
    assert found["after preview"] == 0  # a preview creates nothing
    assert "Error 503" in found["failed"]
    assert found["up"].keys() == {"create", "same"}
    assert sum(found["up"].values()) == size
    assert found["endpoint"] == "127.0.0.1:6443"
    assert found["again"] == {"same": size}
    assert found["refresh"] == {"same": size}
    # An MTU that somebody changed, and an alert that somebody deleted.
    assert found["drift"] == {"same": size - 2, "update": 1, "delete": 1}
    assert found["mended"] == {"same": size - 2, "update": 1, "create": 1}
    assert found["mtu restored"]
    assert found["relabelled"].keys() == {"same", "update"}
    assert found["owner"] == "others"
    # The cluster ignores changes of `nodeConfig`, which its pools must follow.
    assert found["replaced with its account"] == ["decode-pool", "prefill-pool", "system-pool"]
    moved = found["moved ranges"], found["moved region"]
    assert all("is already being used by" in each.pop("refused") for each in moved)
    by_hand = [each.pop("deleted by hand") for each in moved]
    # Another region also replaces the cluster, with which the engine may delete its pools before it meets a refusal.
    assert by_hand[0] == 2
    assert by_hand[1] <= 2
    for pools, each in zip(by_hand, moved, strict=True):
        assert each == {"forgotten": pools, "replaced": True, "pools": 2, "again": ["same"]}
    chain = ("decode-pool", "cluster-cluster", "network-nodes", "network-vpc")
    assert [name for name in found["destroyed"] if name in chain] == list(chain)
    assert found["left"] == []


def test_gke_keeps_the_nodes_of_its_pools_and_takes_everything_with_a_cluster(
    tmp_path: Path, programs: Programs
) -> None:
    found = scenario("cluster", tmp_path, programs)
    assert found == {
        "before": [0, 0],
        "brought": [True, 2],
        "regional": ["europe-west1-b", "europe-west1-c", "europe-west1-d"],
        "one zone": ["europe-west1-b"],
        "kept": True,
        "grown": ["europe-west1-b", "europe-west1-b"],
        "relabelled in place": True,
        "labels": ["b"],
        "recreated": [True, True],
        "emptied": [0, 0, [], []],
        "again": True,
    }
