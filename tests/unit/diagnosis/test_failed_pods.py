"""Permanently failed pods, with the messages of the kubelet, the scheduler and the node's controllers."""

from dataclasses import replace
from typing import Any

import pytest

from ops.diagnosis import Cause, Snapshot
from tests import clusters as c
from tests.unit.diagnosis.case import DECODE, DECODE_NODE, DECODE_POD, ELSEWHERE, GRAPH, WELL, Case, check, scheduler

FAILED = f"pod/{c.pod_name('decode', replica=9)}"


def alone(reason: str, message: str = "", **status: Any) -> Snapshot:
    """The decode worker failed and was not replaced."""
    pod = c.failed_pod("decode", reason, message)
    pod["status"] |= status
    left = c.without(WELL, "pods", DECODE)
    return c.not_ready(replace(left, pods=(*left.pods, pod)))


REJECTED = (
    "Pod was rejected: Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested: "
    "8, Available: 0, which is unexpected"
)
SHUTDOWN = "Pod was terminated in response to imminent node shutdown."
# The reason, its message, and the rest of the sentence.
ENDS = [
    ("Evicted", "The node was low on resource: ephemeral-storage. Threshold quantity: 10120387530, available: 976Mi. "
     "Container main was using 200Gi, request is 0, has larger consumption of ephemeral-storage.", "ran out of disk"),
    ("Evicted", "Pod ephemeral local storage usage exceeds the total limit of containers 4Gi.", "ran out of disk"),
    ("Evicted", 'Usage of EmptyDir volume "gke-gcsfuse-cache" exceeds the limit "1Ti".', "ran out of disk"),
    ("Evicted", "The node had condition: [DiskPressure].", "ran out of disk"),
    ("Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi.", "out of memory"),
    ("Evicted", "The node was low on resource: pids.", "process ids"),
    ("UnexpectedAdmissionError", REJECTED, "the node refused it, as nodes do after a reboot"),
    ("UnexpectedAdmissionError", "Allocate failed due to no healthy devices present; cannot allocate unhealthy devices "
     "nvidia.com/gpu, which is unexpected", "after a reboot"),
    ("OutOfnvidia.com/gpu", "Pod was rejected: Node didn't have enough resource: nvidia.com/gpu, requested: 8, used: "
     "0, capacity: 0", "after a reboot"),
    ("OutOfcpu", "Node didn't have enough resource: cpu, requested: 9600, used: 15000, capacity: 22200", "refused"),
    ("NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node "
     "affinity/selector", "refused it"),
    ("TopologyAffinityError", "Pod was rejected: Resources cannot be allocated with Topology locality", "refused it"),
    ("Preempting", "Preempted in order to admit critical pod", "a pod of higher priority took its place"),
    ("Terminated", SHUTDOWN, "its node was shut down: reclaimed, in maintenance or upgraded"),
    ("NodeShutdown", "Pod was rejected: Pod was rejected as the node is shutting down.", "its node was shut down"),
    ("Shutdown", "Node is shutting, evicting pods", "its node was shut down"),
    ("NodeLost", "Node gke-x which was running pod y is unresponsive", "its node was lost"),
    ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline", "longer than its deadline"),
]  # fmt: skip

CASES = [
    *(
        Case(
            f"{reason}: {message[:40]}",
            alone(reason, message),
            ((Cause.POD_FAILED, (FAILED,)),),
            f"decode had a pod that failed on node {DECODE_NODE} ({reason}: {message.rstrip('.')})",
            (remedy,),
        )
        for reason, message, remedy in ENDS
    ),
    Case(
        "preempted by the scheduler",
        alone(
            "",
            conditions=[
                c.cond(
                    "DisruptionTarget",
                    True,
                    "PreemptionByScheduler",
                    "default-scheduler: preempting to accommodate a higher priority pod",
                )
            ],
        ),
        ((Cause.POD_FAILED, (FAILED,)),),
        "(PreemptionByScheduler: default-scheduler: preempting to accommodate a higher priority pod); a pod of higher",
    ),
    Case(
        "preempted and gone",
        c.with_events(
            c.not_ready(c.without(WELL, "pods", DECODE)),
            c.event("Pod", DECODE, "Preempted", f"Preempted by pod 1b9d6bcd on node {DECODE_NODE}", 3),
            c.event("Pod", c.pod_name("prefill", replica=7), "Preempted", "Preempted by pod 1b9d6bcd", 3),
        ),
        ((Cause.POD_FAILED, (f"pod/{DECODE}",)),),
        f"decode had a pod that was removed (Preempted: Preempted by pod 1b9d6bcd on node {DECODE_NODE}); a pod of",
    ),
    Case(
        "spared, and then gone for another reason",
        c.with_events(
            c.not_ready(c.without(WELL, "pods", DECODE)),
            c.event("Pod", DECODE, "TaintManagerEviction", f"Cancelling deletion of Pod dynamo/{DECODE}", 3),
        ),
        ((Cause.UNEXPLAINED, ("dynamographdeployment/chat",)),),
        "decode has 0 of 1 pods",
    ),
    Case(
        "its container ended",
        alone("", **c.ended("Traceback\nMemoryError", name="main")),
        ((Cause.POD_FAILED, (FAILED,)),),
        "(container main: Error, exit code 1: MemoryError)",
    ),
    Case("without a reason", alone(""), ((Cause.POD_FAILED, (FAILED,)),), "(its status gives no reason)"),
    Case(
        "another pod waits for room, and the failed pod uses none",
        replace(
            waits := c.unplaced(WELL, "decode", scheduler("1 Insufficient nvidia.com/gpu", ELSEWHERE)),
            pods=(*waits.pods, c.failed_pod("decode", "Terminated", SHUTDOWN)),
        ),
        ((Cause.RESOURCES, DECODE_POD), (Cause.POD_FAILED, (FAILED,))),
        "no pod of namespace dynamo runs on its nodes",
    ),
    Case(
        "a succeeded pod uses no room either",
        replace(
            waits,
            pods=(
                *waits.pods,
                {
                    "metadata": {"name": "nccl-test"},
                    "spec": {"nodeName": DECODE_NODE},
                    "status": {"phase": "Succeeded"},
                },
            ),
        ),
        ((Cause.RESOURCES, DECODE_POD),),
        "no pod of namespace dynamo runs on its nodes",
    ),
    Case(
        "the pod failed long ago, and another one loads",
        replace(
            loads := c.contained(WELL, "decode", started=False, state={"running": {"startedAt": c.ago(6)}}),
            pods=(*loads.pods, c.failed_pod("decode", "Terminated", SHUTDOWN, minutes=200)),
        ),
        ((Cause.LOADING, DECODE_POD),),
        "decode has been loading the model for 6 min",
    ),
    Case(
        "left over by a healthy graph",
        replace(WELL, pods=(*WELL.pods, c.failed_pod("decode", "Terminated", SHUTDOWN, minutes=200))),
        ((Cause.READY, GRAPH),),
        "all is well: every pod is Ready and routable, and the frontend lists the model; 1 failed pod is left over "
        "(decode: Terminated: Pod was terminated in response to imminent node shutdown) and holds no resources: "
        "`kubectl -n "
        "dynamo delete pods --field-selector status.phase=Failed` removes them",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
