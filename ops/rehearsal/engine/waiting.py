"""Why a simulated cluster stands still: its pods without a node, in the scheduler's words, and what `status` says."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from ops.diagnosis import Cause, diagnose
from ops.diagnosis.read_cluster import Cluster, ClusterUnreadable
from ops.rehearsal.access import CONTEXT
from ops.rehearsal.kube import Kube, Object
from ops.rehearsal.world import World
from planning.types import Plan
from reading.tokens import masked

_SHOWN = 3
"""Pods of one reason that are named before the rest is counted; findings, of which the first explain the others."""

_NO_REASON = (Cause.READY, Cause.ROLLING, Cause.ROUTING, Cause.STALE_PEERS)
"""A rolling update waits for what other findings say, and simulated workers tell no router of themselves."""


def waiting(kube: Kube, world: World, plan: Plan) -> Iterator[str]:
    """A sentence for each reason."""
    yield from (masked(sentence) for sentence in (*unscheduled(kube.list("v1", "Pod")), *_explained(world, plan)))


def unscheduled(pods: Iterable[Object]) -> Iterator[str]:
    """Pods without a node, together where the scheduler says the same."""
    together: dict[str, list[str]] = {}
    for pod in pods:
        for condition in pod.get("status", {}).get("conditions", ()):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                of = together.setdefault(condition.get("message", "no reason given"), [])
                of.append(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}")
    for says, named in together.items():
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        yield f"Pending: {', '.join(sorted(named)[:_SHOWN])}{more}; the scheduler says: {says}"


def _explained(world: World, plan: Plan) -> Iterator[str]:
    """What `./dynamo-gke status` would say."""
    try:
        snapshot = Cluster(plan, CONTEXT, world.kubeconfig).snapshot([graph.name for graph in plan.graphs])
    except ClusterUnreadable:  # such as before the graphs' namespace exists
        return
    for name, found in groupby(diagnose(plan, plan.graphs, snapshot), lambda finding: finding.graph):
        why = [finding.message for finding in found if finding.cause not in _NO_REASON]
        yield from (f"status of {name}: {message}" for message in why[:_SHOWN])
