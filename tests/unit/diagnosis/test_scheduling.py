"""Existing nodes that do not fit the pod."""

import pytest

from ops.diagnosis import Cause
from tests import clusters as c
from tests.unit.diagnosis.case import (
    DECODE,
    DECODE_NODE,
    DECODE_POD,
    ELSEWHERE,
    FRONTEND,
    NAMED,
    WELL,
    Case,
    check,
    scheduler,
)

CASES = [
    Case(
        "gated by Grove",
        c.changed(
            c.unplaced(WELL, "decode", "Scheduling is blocked due to non-empty scheduling gates", "SchedulingGated"),
            DECODE,
            {"spec": {"schedulingGates": [{"name": "grove.io/podgang-pending-creation"}]}},
        ),
        ((Cause.GATE, DECODE_POD),),
        "scheduling gate grove.io/podgang-pending-creation: Grove removes it",
    ),
    Case(
        "gated by another controller",
        c.changed(
            c.unplaced(WELL, "decode", "Scheduling is blocked due to non-empty scheduling gates", "SchedulingGated"),
            DECODE,
            {"spec": {"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]}},
        ),
        ((Cause.GATE, DECODE_POD),),
        "kueue.x-k8s.io/admission: the controller that set it",
    ),
    Case(
        "taint",
        c.changed(
            c.unplaced(WELL, "decode", scheduler("1 node(s) had untolerated taint {team: research}", ELSEWHERE)),
            DECODE_NODE,
            {
                "spec": {
                    "taints": [
                        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
                        {"key": "team", "value": "research", "effect": "NoSchedule"},
                    ]
                }
            },
        ),
        ((Cause.TAINT, (*DECODE_POD, f"node/{DECODE_NODE}")),),
        "taints of every node of pool decode, team=research:NoSchedule:",
    ),
    Case(
        "no NIC free, with networks named by annotation",
        c.unplaced(NAMED, "decode", scheduler("1 Insufficient networking.gke.io.networks/rdma-0.IP", ELSEWHERE)),
        ((Cause.RESOURCES, DECODE_POD),),
        "free resources on pool decode: networking.gke.io.networks/rdma-0.IP (too little)",
    ),
    Case(
        "no GPU free",
        c.unplaced(WELL, "decode", scheduler("1 Insufficient nvidia.com/gpu", ELSEWHERE)),
        ((Cause.RESOURCES, DECODE_POD),),
        "pool decode: nvidia.com/gpu (asks for 8, a node has 8)",
    ),
    Case(
        "a resource that no machine of the pool has",
        c.changed(
            c.unplaced(WELL, "decode", scheduler("1 Insufficient hugepages-1Gi", ELSEWHERE)),
            DECODE,
            {
                "spec": {
                    "containers": [{"name": "main", "resources": {"limits": {"hugepages-1Gi": "4Gi"}}}],
                }
            },
        ),
        ((Cause.RESOURCES, DECODE_POD),),
        "decode asks for hugepages-1Gi, which no node of pool decode offers, so more nodes do not help",
    ),
    Case(
        "no CPU and memory free, the pool at its maximum",
        c.with_events(
            c.unplaced(WELL, "frontend", scheduler("2 Insufficient cpu", "1 Insufficient memory")),
            c.event(
                "Pod",
                FRONTEND,
                "NotTriggerScaleUp",
                "pod didn't trigger scale-up: 1 max node group size reached, 2 node(s) didn't match",
            ),
        ),
        ((Cause.RESOURCES, (f"pod/{FRONTEND}",)),),
        "cpu (asks for 4, a node has 222), memory (asks for 16Gi",
    ),
    Case(
        "unschedulable with an unknown message",
        c.unplaced(WELL, "decode", scheduler("1 node(s) had a bad day", ELSEWHERE)),
        ((Cause.UNEXPLAINED, DECODE_POD),),
        "decode has no node; the scheduler says: 0/4 nodes are available: 1 node(s) had",
    ),
    Case(
        "the scheduler gave no reason",
        c.unplaced(WELL, "decode", ""),
        ((Cause.UNEXPLAINED, DECODE_POD),),
        "the scheduler has given no reason yet",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
