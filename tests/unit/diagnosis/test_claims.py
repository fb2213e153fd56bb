"""Claims for NICs."""

from dataclasses import replace
from typing import Any

import pytest

from ops.diagnosis import Cause, Snapshot, diagnose
from tests import clusters as c
from tests.unit.diagnosis.case import (
    DECODE,
    DECODE_NODE,
    DECODE_POD,
    ELSEWHERE,
    PLAN,
    WELL,
    Case,
    check,
    scheduler,
    waiting,
)

NO_NICS = c.unplaced(WELL, "decode", scheduler("1 cannot allocate all claims", ELSEWHERE))
OWN_CLAIM = f"resourceclaim/{DECODE}-rdma"


def also_claimed(
    *reserved_for: dict[str, Any], deleted: bool = False, pods: tuple[Any, ...] = (), pool: str = DECODE_NODE
) -> Snapshot:
    """The decode worker waits for NICs; another claim holds its node's NICs for these users."""
    metadata: dict[str, Any] = {"name": "old-rdma", "finalizers": ["resource.kubernetes.io/delete-protection"]}
    other = {
        "metadata": metadata | ({"deletionTimestamp": c.ago(660)} if deleted else {}),
        "status": {
            "allocation": {"devices": {"results": [{"driver": "dra.net", "pool": pool}]}},
            "reservedFor": list(reserved_for),
        },
    }
    # The pod that waits is reserved nothing yet.
    claims = tuple(claim for claim in NO_NICS.claims if claim["metadata"]["name"] != f"{DECODE}-rdma")
    return replace(NO_NICS, claims=(*claims, other), pods=(*NO_NICS.pods, *pods))


GONE = {"resource": "pods", "name": "chat-decode-0", "uid": "1"}
AGAIN = {"metadata": {"name": "chat-decode-0", "uid": "2"}, "spec": {}, "status": {"phase": "Running"}}
ENDED = {"metadata": {"name": "chat-decode-0", "uid": "1"}, "spec": {}, "status": {"phase": "Failed"}}
MACHINE = {"apiGroup": "kubevirt.io", "resource": "virtualmachines", "name": "vm", "uid": "3"}
STUCK = ((Cause.CLAIM, ("resourceclaim/old-rdma",)), (Cause.CLAIM, (*DECODE_POD, OWN_CLAIM)))

CASES = [
    Case(
        "claim template missing",
        c.without(
            c.unplaced(
                WELL, "decode", f'waiting for dynamic resource controller to create the resourceclaim "{DECODE}-rdma"'
            ),
            "claim_templates",
        ),
        ((Cause.CLAIM, DECODE_POD),),
        "whose ResourceClaimTemplate rdma-8 is not in namespace dynamo",
    ),
    Case(
        "claim could not be created",
        c.with_events(
            c.changed(
                c.unplaced(WELL, "decode", "waiting for dynamic resource controller"),
                DECODE,
                {"status": {"resourceClaimStatuses": []}},
            ),
            c.event("Pod", DECODE, "FailedResourceClaimCreation", "PodResourceClaim rdma: exceeded quota: claims"),
        ),
        ((Cause.CLAIM, DECODE_POD),),
        "could not be created: PodResourceClaim rdma: exceeded quota: claims",
    ),
    Case(
        "NICs held by another pod",
        replace(
            c.unplaced(WELL, "decode", scheduler("1 cannot allocate all claims", ELSEWHERE)),
            pods=(
                *c.unplaced(WELL, "decode", scheduler("1 cannot allocate all claims", ELSEWHERE)).pods,
                {"metadata": {"name": "nccl-test"}, "spec": {"nodeName": DECODE_NODE}, "status": {"phase": "Running"}},
            ),
            claims=({"metadata": {"name": "nccl-test-rdma"}, "status": {"reservedFor": [{"name": "nccl-test"}]}},),
        ),
        ((Cause.CLAIM, (*DECODE_POD, f"resourceclaim/{DECODE}-rdma")),),
        "they are held by nccl-test",
    ),
    Case(
        "node without the NIC driver's label",
        c.changed(
            c.unplaced(WELL, "decode", scheduler("1 cannot allocate all claims", ELSEWHERE)),
            DECODE_NODE,
            {"metadata": {"labels": {"cloud.google.com/gke-networking-dra-driver": None}}},
        ),
        ((Cause.CLAIM, (*DECODE_POD, f"resourceclaim/{DECODE}-rdma")),),
        "gke-networking-dra-driver=true, without which",
    ),
    Case(
        "a cluster older than the NIC driver",
        c.unplaced(WELL, "decode", scheduler("request rdma: device class mrdma.google.com does not exist")),
        ((Cause.CLAIM, (*DECODE_POD, f"resourceclaim/{DECODE}-rdma")),),
        "has no DeviceClass mrdma.google.com: GKE 1.34.1-gke.1829001 and later",
    ),
    Case(
        "NICs allocated but not prepared",
        c.with_events(
            c.contained(WELL, "decode", **waiting("ContainerCreating")),
            c.event(
                "Pod",
                DECODE,
                "FailedPrepareDynamicResources",
                "Failed to prepare dynamic resources: rpc error: code = Unknown desc = no network interface mlx5_0",
            ),
        ),
        ((Cause.CLAIM, DECODE_POD),),
        "the node cannot prepare the NICs: no network interface mlx5_0",
    ),
    Case(
        "NICs held by a claim that is being deleted, of a pod that is gone",
        also_claimed(GONE, deleted=True),
        STUCK,
        "ResourceClaim old-rdma has been terminating for 11 h and holds its devices: it is still reserved for pod "
        "chat-decode-0, which is gone, so finalizer resource.kubernetes.io/delete-protection stays",
        ("`kubectl -n dynamo patch resourceclaim old-rdma --subresource=status",),
    ),
    Case(
        "NICs held by a claim that is being deleted, and another pod of that name",
        also_claimed(GONE, deleted=True, pods=(AGAIN,)),
        STUCK,
        "reserved for pod chat-decode-0, which is gone",
    ),
    Case(
        "NICs held by a claim that is being deleted, and the pod has failed",
        also_claimed(GONE, deleted=True, pods=(ENDED,)),
        STUCK,
        "reserved for pod chat-decode-0, which has failed and is not deleted, so finalizer",
    ),
    Case(
        "NICs held by a claim that nobody deletes, of a pod that is gone",
        also_claimed(GONE),
        STUCK,
        "ResourceClaim old-rdma still holds its devices: it is still reserved for pod chat-decode-0, which is gone, so "
        "finalizer resource.kubernetes.io/delete-protection stays",
        ("""-p '{"status":{"reservedFor":null}}'`""",),
    ),
    Case(
        "NICs held by a claim that is being deleted and has no reservation",
        also_claimed(deleted=True),
        STUCK,
        "ResourceClaim old-rdma has been terminating for 11 h and holds its devices: it has no reservation and keeps "
        "its allocation, so finalizer resource.kubernetes.io/delete-protection stays",
        ("""-p '{"status":{"allocation":null}}'`""",),
    ),
    Case(
        "a claim that is being deleted, of a terminating pod",
        also_claimed(
            {**GONE, "uid": "2"},
            deleted=True,
            pods=({**AGAIN, "spec": {"nodeName": DECODE_NODE}},),
        ),
        ((Cause.CLAIM, (*DECODE_POD, OWN_CLAIM)),),
        "they are held by chat-decode-0 and become free when it ends",
    ),
    Case(
        "NICs held by an object other than a pod",
        also_claimed(MACHINE),
        ((Cause.CLAIM, (*DECODE_POD, OWN_CLAIM)),),
        "they are held by virtualmachines.kubevirt.io vm",
    ),
    Case(
        "a claim that is being deleted, of an object other than a pod",
        also_claimed(MACHINE, deleted=True),
        ((Cause.CLAIM, (*DECODE_POD, OWN_CLAIM)),),
        "they are held by virtualmachines.kubevirt.io vm",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("left", [also_claimed(GONE), also_claimed(deleted=True), also_claimed(GONE, deleted=True)])
def test_a_waiting_worker_names_the_claim_that_holds_its_nics(left: Snapshot) -> None:
    said = " ".join(finding.message for finding in diagnose(PLAN, PLAN.graphs, left))
    assert "they are held by ResourceClaim old-rdma, which no pod uses" in said
    assert "nothing in namespace" not in said


def test_a_claim_left_over_on_another_node_is_not_what_holds_these_nics() -> None:
    elsewhere = also_claimed(GONE, pool=c.node_name("prefill"))
    said = " ".join(finding.message for finding in diagnose(PLAN, PLAN.graphs, elsewhere))
    assert "nothing in namespace dynamo holds them" in said
