"""What each capacity mode means for the A3 Ultra pools, and when they are created."""

from typing import Any

import pytest

from catalog.capacity import NAMES as CAPACITY_MODES
from ops.offline.recorded import Recording
from ops.offline.recording import record
from tests.program.test_stacks import needs, of_type
from tests.stacks import ROOT, config

RESERVATIONS = {
    "r": "r",
    "r/reservationBlocks/b/reservationSubBlocks/s": "r/reservationBlocks/b/reservationSubBlocks/s",
    "projects/other/reservations/r": "projects/other/reservations/r",
    "projects/other/zones/europe-west1-b/reservations/r": "projects/other/reservations/r",
}


def run(capacity: dict[str, Any], **changes: Any) -> Recording:
    return record(ROOT, config({"capacity": capacity, **changes}))


def pools(recording: Recording) -> dict[str, dict[str, Any]]:
    found = {pool.inputs["name"]: pool.inputs for pool in of_type(recording, ":NodePool")}
    return {name: pool for name, pool in found.items() if "guestAccelerators" in pool["nodeConfig"]}


@pytest.mark.parametrize(("given", "affinity"), RESERVATIONS.items())
def test_a_reservation_is_named_as_a_pool_takes_it(given: str, affinity: str) -> None:
    for pool in pools(run({"mode": "reservation", "reservation": given})).values():
        assert pool["nodeConfig"]["reservationAffinity"] == {
            "consumeReservationType": "SPECIFIC_RESERVATION",
            "key": "compute.googleapis.com/reservation-name",
            "values": [affinity],
        }
        assert "placementPolicy" not in pool  # a reservation is dense already
        assert pool["nodeCount"] == 1
        assert pool["management"] == {"autoRepair": True, "autoUpgrade": True}
        assert pool["upgradeSettings"] == {"strategy": "SURGE", "maxSurge": 0, "maxUnavailable": 1}


@pytest.mark.parametrize("mode", ["spot", "onDemand"])
def test_unreserved_nodes_are_placed_close_and_eat_no_reservation(mode: str) -> None:
    for pool in pools(run({"mode": mode})).values():
        assert pool["nodeConfig"]["reservationAffinity"] == {"consumeReservationType": "NO_RESERVATION"}
        assert pool["nodeConfig"].get("spot", False) is (mode == "spot")
        assert pool["placementPolicy"]["type"] == "COMPACT"
        assert pool["nodeCount"] == 1
        assert pool["upgradeSettings"]["maxSurge"] == 0


def test_flex_start_nodes_come_from_none_and_go_after_a_week() -> None:
    for pool in pools(run({"mode": "flexStart"})).values():
        assert pool["nodeConfig"]["flexStart"] is True
        assert pool["nodeConfig"]["maxRunDuration"] == "604800s"
        assert pool["nodeConfig"]["reservationAffinity"] == {"consumeReservationType": "NO_RESERVATION"}
        assert pool["autoscaling"] == {"totalMinNodeCount": 0, "totalMaxNodeCount": 1, "locationPolicy": "ANY"}
        assert pool["initialNodeCount"] == 0
        assert pool["management"]["autoRepair"] is False
        assert "upgradeSettings" not in pool
        assert "placementPolicy" not in pool


@pytest.mark.parametrize("mode", ["spot", "flexStart", "onDemand"])
@pytest.mark.parametrize("compact", [True, False])
def test_compact_placement_can_be_set(mode: str, compact: bool) -> None:
    for pool in pools(run({"mode": mode, "compactPlacement": compact})).values():
        assert pool.get("placementPolicy") == ({"type": "COMPACT"} if compact else None)


SCALED = {"models.chat.autoscaling": {"prefill": {"min": 2, "max": 3}, "decode": {"min": 1, "max": 4}}}


@pytest.mark.parametrize("mode", CAPACITY_MODES)
def test_each_pool_scales_from_its_roles_minimum_to_its_maximum(mode: str) -> None:
    reservation = {"reservation": "r"} if mode == "reservation" else {}
    found = pools(run({"mode": mode, **reservation}, **SCALED))
    flex = mode == "flexStart"  # its nodes come with the pods that ask for them
    for name, least, most in (("prefill", 2, 3), ("decode", 1, 4)):
        autoscaling = found[name]["autoscaling"]
        assert (autoscaling["totalMinNodeCount"], autoscaling["totalMaxNodeCount"]) == (0 if flex else least, most)
        assert "nodeCount" not in found[name]


@pytest.mark.parametrize("mode", CAPACITY_MODES)
def test_nodes_paid_from_their_creation_come_after_platform_and_weights(mode: str) -> None:
    reservation = {"reservation": "r"} if mode == "reservation" else {}
    recording = run({"mode": mode, **reservation})
    last = {r.urn for r in of_type(recording, "helm.sh/v3:Release")}
    last |= {job.urn for job in of_type(recording, "batch/v1:Job") if job.name.startswith("model-weights-")}
    assert len(last) == 2
    for pool in of_type(recording, ":NodePool"):
        if "guestAccelerators" in pool.inputs["nodeConfig"]:
            waits_for = last & needs(recording, pool.urn)
            assert waits_for == (set() if mode == "reservation" else last)


def test_the_cluster_is_maintained_at_weekends_and_keeps_its_versions() -> None:
    (cluster,) = of_type(run({"mode": "spot"}), "cluster:Cluster")
    policy = cluster.inputs["maintenancePolicy"]
    assert policy["recurringWindow"]["recurrence"] == "FREQ=WEEKLY;BYDAY=SA,SU"
    (held,) = policy["maintenanceExclusions"]
    assert held["exclusionOptions"] == {"scope": "NO_MINOR_OR_NODE_UPGRADES", "endTimeBehavior": "UNTIL_END_OF_SUPPORT"}
    (free,) = of_type(run({"mode": "spot"}, cluster={"maintenance": {"holdNodeUpgrades": False}}), "cluster:Cluster")
    assert free.inputs["maintenancePolicy"]["maintenanceExclusions"] == []
