"""Nodes of GPU pools: none yet, without their GPUs, with fewer than they have."""

from dataclasses import replace

import pytest

from ops.diagnosis import Cause, Snapshot, diagnose
from tests import clusters as c
from tests.stacks import planned
from tests.unit.diagnosis.case import DECODE_NODE, DECODE_POD, ELSEWHERE, GRAPH, WELL, Case, check, scheduler

NODE = (f"node/{DECODE_NODE}",)
NOT_YET = replace(c.without(WELL, "graphs"), pods=(), claims=())


def offering(snapshot: Snapshot, gpus: str | None) -> Snapshot:
    """The snapshot with a decode node created three minutes ago, with another GPU count; None: no GPU resource yet."""
    offered = {"nvidia.com/gpu": gpus} if gpus else None
    change = {"metadata": {"creationTimestamp": c.ago(3)}, "status": {"allocatable": offered}}
    return c.changed(snapshot, DECODE_NODE, change)


WAITS = c.unplaced(WELL, "decode", scheduler("1 Insufficient nvidia.com/gpu", ELSEWHERE))

CASES = [
    Case(
        "the driver is not installed yet",
        offering(WAITS, "0"),
        ((Cause.NODE_GPUS, NODE), (Cause.RESOURCES, DECODE_POD)),
        f"node {DECODE_NODE} of pool decode offers none of its 8 GPUs: its driver is not installed yet",
        ("the node was created 3 min ago, and the driver takes up to 15 min; wait",),
    ),
    Case(
        "the device plugin has not registered yet",
        offering(WAITS, None),
        ((Cause.NODE_GPUS, NODE), (Cause.RESOURCES, DECODE_POD)),
        "offers none of its 8 GPUs",
    ),
    Case(
        "a GPU was lost",
        offering(WAITS, "7"),
        ((Cause.NODE_GPUS, NODE), (Cause.RESOURCES, DECODE_POD)),
        "offers 7 of its 8 GPUs: 1 was lost; move the pods away with `kubectl drain",
        ("docs/runbooks/gpu-xid.md",),
    ),
    Case(
        "a GPU is unhealthy",
        c.changed(offering(WAITS, "7"), DECODE_NODE, {"status": {"capacity": {"nvidia.com/gpu": "8"}}}),
        ((Cause.NODE_GPUS, NODE), (Cause.RESOURCES, DECODE_POD)),
        "offers 7 of its 8 GPUs (1 are registered and unhealthy): 1 was lost",
    ),
    Case(
        "seven GPUs were lost, under a worker that runs",
        offering(WELL, "1"),
        ((Cause.NODE_GPUS, NODE),),
        "offers 1 of its 8 GPUs: 7 were lost",
    ),
    Case(
        "a GPU was lost, and the node is being drained",
        c.changed(offering(WELL, "7"), DECODE_NODE, {"spec": {"unschedulable": True}}),
        ((Cause.READY, GRAPH),),
        "all is well",
    ),
    Case(
        "no nodes yet, and so no graph",
        replace(NOT_YET, nodes=tuple(n for n in WELL.nodes if n["metadata"]["name"] == c.node_name("prefill"))),
        ((Cause.CAPACITY, ()), (Cause.NOT_DEPLOYED, GRAPH)),
        "node pool decode has no node, and the graph waits for one: the pool is being created",
    ),
    Case(
        "flexStart pools come up empty",
        replace(NOT_YET, nodes=()),
        ((Cause.NOT_DEPLOYED, GRAPH),),
        "the DynamoGraphDeployment does not exist yet: run `pulumi up`",
        plan=planned({"capacity": {"mode": "flexStart"}}),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)


def test_the_machine_of_the_plan_says_how_many_gpus_a_node_has() -> None:
    plan = planned()
    (pool,) = [pool for pool in plan.gpu_pools if pool.name == "decode"]
    assert pool.machine.gpus
    four = pool.machine.model_copy(update={"gpus": pool.machine.gpus.model_copy(update={"count": 4})})
    pools = tuple(replace(p, machine=four) if p is pool else p for p in plan.gpu_pools)
    (found,) = diagnose(replace(plan, gpu_pools=pools), plan.graphs, offering(WELL, "3"))
    assert "offers 3 of its 4 GPUs: 1 was lost" in found.message
    (found,) = diagnose(replace(plan, gpu_pools=pools), plan.graphs, offering(WELL, "4"))
    assert found.cause is Cause.READY
