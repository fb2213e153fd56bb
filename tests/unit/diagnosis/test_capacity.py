"""Missing nodes: pools, the autoscaler, quota, stock-outs."""

from typing import Any

import pytest

from ops.diagnosis import Cause
from ops.diagnosis.autoscaler import quotas_of
from tests import clusters as c
from tests.stacks import planned
from tests.unit.diagnosis.case import (
    DECODE,
    DECODE_NODE,
    DECODE_POD,
    ELSEWHERE,
    NO_DECODE_NODE,
    WELL,
    Case,
    check,
    scale_up_failed,
    scheduler,
)


def not_triggered(*reasons: str, minutes: float = 2) -> dict[str, Any]:
    return c.event("Pod", DECODE, "NotTriggerScaleUp", f"pod didn't trigger scale-up: {', '.join(reasons)}", minutes)


OTHER_POOLS = "2 node(s) didn't match Pod's node affinity/selector"
H200 = {"cloud.google.com/gke-accelerator": "nvidia-h200-141gb"}
NO_NODE = ((Cause.CAPACITY, DECODE_POD),)
# What the autoscaler says of the pod's own pool, and what follows.
REASONS = {
    "1 max node group size reached": "max node group size reached: the pool is at its maximum; raise capacity.maxNodes",
    "1 in backoff after failed scale-up": "in backoff after failed scale-up: an earlier attempt failed, and GKE waits",
    "1 not ready for scale-up": "not ready for scale-up: the pool is being created or changed; wait",
    "1 max cluster cpu, memory limit reached": "max cluster cpu, memory limit reached: a limit of the cluster's",
    "1 node(s) had untolerated taint {team: research}": "had untolerated taint {team: research}: the pod does not",
    "1 cannot allocate all claims": "cannot allocate all claims: the autoscaler does not know that a new node brings",
    "1 Insufficient nvidia.com/gpu": "Insufficient nvidia.com/gpu: a new node of this machine type is too small",
    "1 had a bad day": "adds none: had a bad day; see `gcloud container node-pools describe decode",
}

CASES = [
    Case(
        "no node of the pool",
        NO_DECODE_NODE,
        ((Cause.CAPACITY, DECODE_POD),),
        "a node of pool decode, which has none: the pool is being created, its creation failed, or its node was lost "
        "and GKE replaces it; see the status of `gcloud container node-pools describe decode --cluster dynamo-prod "
        "--location europe-west1`",
    ),
    Case(
        "stock-out",
        c.with_events(NO_DECODE_NODE, scale_up_failed("GCE out of resources")),
        ((Cause.CAPACITY, DECODE_POD),),
        "zone europe-west1-b has no free machine of this type (GCE out of resources)",
    ),
    Case(
        "quota",
        c.with_events(NO_DECODE_NODE, scale_up_failed("GCE quota exceeded")),
        ((Cause.QUOTA, DECODE_POD),),
        "refused by quota (GCE quota exceeded): raise the quota",
    ),
    Case(
        "quota and stock-out",
        c.with_events(NO_DECODE_NODE, scale_up_failed("GCE quota exceeded, GCE out of resources")),
        ((Cause.QUOTA, DECODE_POD), (Cause.CAPACITY, DECODE_POD)),
        "refused by quota",
    ),
    Case(
        "reservation exhausted",
        c.with_events(
            NO_DECODE_NODE,
            scale_up_failed("Reservation my-h200 does not have sufficient capacity for the requested resources"),
        ),
        ((Cause.CAPACITY, DECODE_POD),),
        "gcloud compute reservations describe my-h200 --zone europe-west1-b",
    ),
    Case(
        "scale-up failed for another reason",
        c.with_events(NO_DECODE_NODE, scale_up_failed("IP space exhausted")),
        ((Cause.CAPACITY, DECODE_POD),),
        "but GKE could not add one: IP space exhausted",
    ),
    Case(
        "scale-up in progress after a failure",
        c.with_events(
            NO_DECODE_NODE,
            c.event("Pod", DECODE, "FailedScaleUp", "Node scale up failed: GCE out of resources.", 20),
            c.event(
                "Pod",
                DECODE,
                "TriggeredScaleUp",
                "pod triggered scale-up: [{https://www.googleapis.com/compute/v1/projects/my-project/zones/"
                "europe-west1-b/instanceGroups/gke-dynamo-prod-decode-0a1b2c3d-grp 0->1 (max: 1)}]",
                3,
            ),
        ),
        ((Cause.CAPACITY, DECODE_POD),),
        "which GKE is adding, requested 3 min ago",
    ),
    Case(
        "node not Ready",
        c.changed(
            c.unplaced(
                WELL, "decode", scheduler("1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }", ELSEWHERE)
            ),
            DECODE_NODE,
            {"status": {"conditions": [c.cond("Ready", False, "KubeletNotReady", "cni plugin not initialized")]}},
        ),
        ((Cause.CAPACITY, (*DECODE_POD, f"node/{DECODE_NODE}")),),
        "not Ready (KubeletNotReady: cni plugin",
    ),
    Case(
        "node cordoned",
        c.changed(
            c.unplaced(WELL, "decode", scheduler("1 node(s) were unschedulable", ELSEWHERE)),
            DECODE_NODE,
            {"spec": {"unschedulable": True}},
        ),
        ((Cause.CAPACITY, (*DECODE_POD, f"node/{DECODE_NODE}")),),
        f"`kubectl uncordon {DECODE_NODE}`",
    ),
    *(
        Case(
            f"none added: {reason}",
            c.with_events(NO_DECODE_NODE, not_triggered(reason, OTHER_POOLS)),
            NO_NODE,
            says,
        )
        for reason, says in REASONS.items()
    ),
    Case(
        "no node, and the autoscaler adds none",
        c.with_events(
            NO_DECODE_NODE,
            c.event(
                "Pod",
                DECODE,
                "NotTriggerScaleUp",
                "(combined from similar events): pod didn't trigger scale-up: 1 max node group size reached",
            ),
        ),
        NO_NODE,
        "which has none, and the autoscaler adds none: max node group size reached: the pool",
    ),
    Case(
        "no node, and a pool that is not autoscaled",
        c.with_events(NO_DECODE_NODE, not_triggered("3 node(s) didn't match Pod's node affinity/selector")),
        NO_NODE,
        "it knows no pool for this pod (node(s) didn't match Pod's node affinity/selector): pool decode has a fixed",
    ),
    Case(
        "no node, and the autoscaler gives no reason",
        c.with_events(NO_DECODE_NODE, not_triggered()),
        NO_NODE,
        "the autoscaler adds none: it knows no pool for this pod: pool decode has a fixed size",
    ),
    Case(
        "scale-up refused, then requested",
        c.with_events(
            NO_DECODE_NODE,
            not_triggered("1 in backoff after failed scale-up", minutes=20),
            c.event("Pod", DECODE, "TriggeredScaleUp", "pod triggered scale-up: [{x 0->1 (max: 1)}]", 3),
        ),
        NO_NODE,
        "which GKE is adding, requested 3 min ago",
    ),
    Case(
        "scale-up requested, then refused",
        c.with_events(
            NO_DECODE_NODE,
            c.event("Pod", DECODE, "TriggeredScaleUp", "pod triggered scale-up: [{x 0->1 (max: 1)}]", 20),
            not_triggered("1 in backoff after failed scale-up", minutes=3),
        ),
        NO_NODE,
        "the autoscaler adds none: in backoff after failed scale-up",
    ),
    Case(
        "a failure takes precedence over the backoff after it",
        c.with_events(
            NO_DECODE_NODE,
            scale_up_failed("GCE out of resources"),
            not_triggered("1 in backoff after failed scale-up", minutes=0.5),
        ),
        NO_NODE,
        "has no free machine of this type (GCE out of resources)",
    ),
    Case(
        "scale-up requested, and the node exists",
        c.with_events(
            c.changed(
                c.unplaced(WELL, "decode", scheduler("1 Insufficient nvidia.com/gpu", ELSEWHERE)),
                DECODE_NODE,
                {"metadata": {"creationTimestamp": c.ago(5)}},
            ),
            c.event("Pod", DECODE, "TriggeredScaleUp", "pod triggered scale-up: [{x 0->1 (max: 1)}]", 20),
        ),
        ((Cause.RESOURCES, DECODE_POD),),
        "decode waits for free resources on pool decode",
    ),
    Case(
        "a pod that fits any node, and no node",
        c.changed(
            c.changed(NO_DECODE_NODE, DECODE, {"spec": {"nodeSelector": None}}),
            DECODE,
            {"spec": {"nodeSelector": H200}},
        ),
        NO_NODE,
        "waits for a node of those with cloud.google.com/gke-accelerator=nvidia-h200-141gb, which has none: this stack "
        "adds no nodes to an existing cluster",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("mode", ["spot", "onDemand", "flexStart"])
def test_a_refusal_by_quota_names_the_quotas_of_the_pools_only(mode: str) -> None:
    pools = planned({"capacity": {"mode": mode}}).gpu_pools
    offer = pools[0].machine.sold[mode]
    said = quotas_of(pools)
    for quota in (offer.quota, offer.over_all_regions):
        assert quota is None or f"{quota.id}, 8 a node" in said
    assert ("GPUS-ALL-REGIONS" in said) is bool(offer.over_all_regions)
    assert quotas_of(()) == ""
