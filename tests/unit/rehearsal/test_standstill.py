"""When a command of Pulumi waits for a simulated cluster that stands still."""

import threading
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest

from ops.rehearsal.engine import standstill
from ops.rehearsal.engine.events import StepEvent
from ops.rehearsal.engine.standstill import Standstill, awaited
from ops.rehearsal.engine.waiting import unscheduled
from ops.rehearsal.kube import ApiError
from ops.rehearsal.world import World
from tests.stacks import planned

GRAPH = "urn:pulumi:s::p::dynamo-gke:workloads:ServingGraph$kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment::chat"
POOL = "urn:pulumi:s::p::gcp:container/nodePool:NodePool::pool"
OTHER, GONE = POOL.replace("::pool", "::other"), POOL.replace("::pool", "::gone")
COMPONENT = "urn:pulumi:s::p::dynamo-gke:workloads:ServingGraph::chat"


def step(urn: str, what: Literal["began", "ended", "failed"] = "began", op: str = "create") -> StepEvent:
    return StepEvent(at=0, what=what, op=op, urn=urn)


REFRESHED = [
    *(step(urn, op="refresh") for urn in (POOL, GRAPH, OTHER, GONE)),
    step(POOL, "ended", "same"),
    step(OTHER, "ended", "update"),
    step(GONE, "ended", "delete"),
]
"""A refresh of everything in which only the graph does not end."""


@pytest.mark.parametrize(
    ("steps", "want"),
    [
        ([], []),
        ([step(GRAPH)], [GRAPH]),
        ([step(COMPONENT), step(GRAPH)], [GRAPH]),
        ([step(GRAPH), step(GRAPH, "ended")], []),
        ([step(GRAPH), step(GRAPH, "failed")], []),
        ([step(GRAPH), step(POOL)], []),  # Google Cloud may take its time
        ([step(GRAPH), step(POOL), step(POOL, "ended")], [GRAPH]),
        (REFRESHED, [GRAPH]),
        ([*REFRESHED, step(GRAPH, "ended", "same")], []),
    ],
)
def test_the_engine_waits_for_objects_alone(steps: Sequence[StepEvent], want: list[str]) -> None:
    assert awaited(steps) == want


def object_of(name: str, version: object, **content: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "dynamo", "uid": name, "resourceVersion": str(version)}, **content}


class FakeKube:
    """A cluster with these objects of each kind, read again at each look."""

    def __init__(self, **kinds: Callable[[], list[dict[str, Any]]]) -> None:
        self._kinds = kinds

    def list(self, _version: str, kind: str) -> list[dict[str, Any]]:
        return self._kinds.get(kind, list[dict[str, Any]])()


def raises() -> list[dict[str, Any]]:
    raise ApiError(0, "the API server did not answer")


versions = count()
PENDING = object_of("decode", 1, status={"phase": "Pending", "conditions": [
    {"type": "PodScheduled", "status": "False", "message": "0/5 nodes are available"}]})  # fmt: skip
RUNNING = object_of("fetch", 1, status={"phase": "Running"})
RUNNING["metadata"]["ownerReferences"] = [{"kind": "Job"}]
AGAIN = object_of("weights", 1, status={"failed": 1})
GIVEN_UP = object_of("weights", 1, status={"failed": 3, "conditions": [{"type": "Failed", "status": "True"}]})


@pytest.mark.parametrize(
    ("kube", "steps", "ends"),
    [
        (FakeKube(Pod=lambda: [PENDING]), [step(GRAPH)], True),
        (FakeKube(Pod=lambda: [PENDING]), [], False),
        (FakeKube(Pod=lambda: [PENDING]), [step(GRAPH), step(POOL)], False),
        (FakeKube(Pod=lambda: [object_of("decode", next(versions), status={})]), [step(GRAPH)], False),
        (FakeKube(Node=lambda: [object_of(f"n-{next(versions)}", 1)]), [step(GRAPH)], False),
        (
            FakeKube(Node=lambda: [object_of("n", next(versions))], Pod=lambda: [PENDING]),
            [step(GRAPH)],
            True,
        ),  # heartbeats
        (FakeKube(Pod=lambda: [PENDING, RUNNING]), [step(GRAPH)], False),
        (FakeKube(Pod=lambda: [PENDING], Job=lambda: [AGAIN]), [step(GRAPH)], False),
        (FakeKube(Pod=lambda: [PENDING], Job=lambda: [GIVEN_UP]), [step(GRAPH)], True),
        (FakeKube(Pod=raises), [step(GRAPH)], False),
    ],
)
def test_a_wait_ends_once_nothing_changes(
    kube: FakeKube, steps: list[StepEvent], ends: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(standstill, "SECONDS_BETWEEN_LOOKS", 0.001)
    monkeypatch.setattr(standstill, "QUIET_SECONDS", 0.02)
    monkeypatch.setattr(standstill, "waiting", lambda *_: ["decode is Pending"])
    cancelled = threading.Event()
    broken = ["the stand-in of the autoscaler fails"]
    watched = Standstill(kube, World(tmp_path), planned(), lambda: broken)  # type: ignore[arg-type] - only lists are read
    with watched.ending(steps, cancelled.set) as why:
        assert cancelled.wait(5 if ends else 0.2) == ends
    assert bool(why) == ends
    if ends:
        assert "would wait until its timeout: DynamoGraphDeployment chat" in why[0]
        assert why[1:3] == [*broken, "decode is Pending"]


def test_every_pod_of_a_reason_is_counted() -> None:
    pods = [{**PENDING, "metadata": {**PENDING["metadata"], "name": f"decode-{number}"}} for number in range(5)]
    assert list(unscheduled([*pods, object_of("frontend", 1, status={"phase": "Running"})])) == [
        "Pending: dynamo/decode-0, dynamo/decode-1, dynamo/decode-2 and 2 more; the scheduler says: 0/5 nodes are "
        "available"
    ]
