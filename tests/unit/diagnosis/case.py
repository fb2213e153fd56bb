"""Shared by the tests of `status`: clusters with a single problem, and cases with all their findings."""

from dataclasses import dataclass, replace
from typing import Any

from ops.diagnosis import Cause, Snapshot, diagnose
from planning import names
from planning.types import Plan
from tests import clusters as c
from tests.stacks import planned

PLAN = planned()
WELL = c.running(PLAN)
# The same with networks in pod annotations instead of claims.
NAMED = c.running(planned({"network": {"rdma": "multiNetwork"}}))
PREFILL, DECODE, FRONTEND = c.pod_name("prefill"), c.pod_name("decode"), c.pod_name("frontend")
WEIGHTS_JOB = names.weights_job(PLAN.graphs[0].card.repository, PLAN.graphs[0].card.revision or "")
DECODE_NODE = c.node_name("decode")

ELSEWHERE = "3 node(s) didn't match Pod's node affinity/selector"
NO_PREEMPTION = "preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling."


def scheduler(*reasons: str) -> str:
    return f"0/4 nodes are available: {', '.join(reasons)}. {NO_PREEMPTION}"


def scale_up_failed(why: str) -> dict[str, Any]:
    return c.event(
        "Pod",
        DECODE,
        "FailedScaleUp",
        f"Node scale up in zones europe-west1-b associated with this pod failed: {why}. "
        "Pod is at risk of not being scheduled.",
    )


NO_DECODE_NODE = c.without(c.unplaced(WELL, "decode", scheduler(ELSEWHERE)), "nodes", DECODE_NODE)


def waiting(reason: str, message: str | None = None) -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason} | ({"message": message} if message else {})}}


IMAGE = "nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1"
NOT_FOUND = (
    f'Failed to pull image "{IMAGE}": rpc error: code = NotFound desc = failed to pull and unpack image "{IMAGE}": '
    f'failed to resolve reference "{IMAGE}": {IMAGE}: not found'
)
BACK_OFF = f'Back-off pulling image "{IMAGE}"'
FUSE_DENIED = (
    'MountVolume.SetUp failed for volume "weights" : rpc error: code = PermissionDenied desc = failed to get GCS '
    "bucket \"my-project-dynamo-prod-weights\": googleapi: Error 403: Permission 'storage.objects.list' denied on "
    "resource (or it may not exist)., forbidden"
)
LOADING: dict[str, Any] = {"started": False, "state": {"running": {"startedAt": c.ago(6)}}}
OOM = {"exitCode": 137, "reason": "OOMKilled"}


def weights_job(*conditions: dict[str, Any], failed: int = 0) -> Snapshot:
    job = {
        "metadata": {"name": WEIGHTS_JOB, "creationTimestamp": c.ago(12)},
        "status": {"startTime": c.ago(12), "conditions": list(conditions)} | ({"failed": failed} if failed else {}),
    }
    return replace(c.not_ready(WELL), jobs=(job,))


def second_decode_worker() -> dict[str, Any]:
    (component,) = [x for x in WELL.graphs[0]["spec"]["components"] if x["name"] == "decode"]
    return c.pod(component, "9a8b7c6d")


def with_pod(snapshot: Snapshot, pod: dict[str, Any]) -> Snapshot:
    return replace(
        snapshot,
        pods=(*snapshot.pods, pod),
        endpoint_slices=(*snapshot.endpoint_slices, c.endpoint_slice(pod)),
        worker_metadata=(*snapshot.worker_metadata, {"metadata": {"name": pod["metadata"]["name"]}}),
    )


@dataclass(frozen=True)
class Case:
    name: str
    snapshot: Snapshot
    want: tuple[tuple[Cause, tuple[str, ...]], ...]
    """Every finding: its cause and objects, in order."""
    says: str
    """Words in the first finding's message."""
    also: tuple[str, ...] = ()
    """More words in that message."""
    plan: Plan | None = None
    """Another plan than PLAN."""


DECODE_POD = (f"pod/{DECODE}",)
GRAPH = ("dynamographdeployment/chat",)


def check(case: Case) -> None:
    """Asserts exactly these findings, each with its objects, and no message with a line break or a missing value."""
    found = diagnose(case.plan or PLAN, (case.plan or PLAN).graphs, case.snapshot)
    assert [(f.cause, f.objects) for f in found] == list(case.want), found
    for words in (case.says, *case.also):
        assert words in found[0].message, found[0].message
    assert all("\n" not in f.message and "None" not in f.message for f in found), found
