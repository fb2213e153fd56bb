"""Diagnoses why a graph is not Ready: a snapshot of the cluster and the plan → findings. Pure, calls no cluster.

Each cause has its own evidence in status fields and events of Kubernetes, GKE and the operator. Unknown states are
reported as seen. Field names are those of the operator's 1.5 CRDs; that 1.6 keeps them is unverified.
"""

from collections.abc import Iterator

from ops.diagnosis import claims
from ops.diagnosis.containers import node_lost, unready
from ops.diagnosis.deployment import missing_pods, not_deployed, not_reconciled, ready_finding
from ops.diagnosis.ended import failed_pods
from ops.diagnosis.endpoint import unaddressed
from ops.diagnosis.findings import Cause, Finding, merged
from ops.diagnosis.generations import generations
from ops.diagnosis.nodes import awaited_pools, gpus_missing
from ops.diagnosis.peers import stale_peers
from ops.diagnosis.platform import platform
from ops.diagnosis.routing import unlisted, unreached
from ops.diagnosis.scheduling import unscheduled
from ops.diagnosis.snapshot import Object, Snapshot, holds, part
from ops.diagnosis.verification import pods_that_verify, unverified
from ops.diagnosis.view import View
from ops.diagnosis.weights import pods_that_fetch, unfetched
from planning.types import Graph, Plan

__all__ = ["Cause", "Finding", "Snapshot", "diagnose"]


# These causes explain missing pods.
_KEEP_PODS_AWAY = {
    Cause.RELEASE,
    Cause.OPERATOR,
    Cause.DELETING,
    Cause.REFUSED,
    Cause.ROLLING,
    Cause.OLD_GENERATION,
    Cause.POD_FAILED,
}
# These causes mean that workers of both roles are about to be replaced.
_REPLACE_PAIRS = {Cause.DELETING, Cause.ROLLING, Cause.OLD_GENERATION}


def diagnose(plan: Plan, graphs: tuple[Graph, ...], snapshot: Snapshot) -> tuple[Finding, ...]:
    """At least one finding per graph, sorted by graph and by what to fix first."""
    return merged(finding for graph in graphs for finding in _graph(View(plan=plan, graph=graph, snapshot=snapshot)))


def _graph(view: View) -> Iterator[Finding]:
    """Everything in the order of a deployment: platform, weights, nodes, graph, verification, endpoint."""
    fetching = [*_pods(view, pods_that_fetch(view))]
    found = [*platform(view), *unfetched(view, waits=bool(fetching)), *fetching]
    if view.deployed is None:
        yield from found
        yield from _before_the_graph(view, weights_awaited=any(f.cause is Cause.WEIGHTS for f in found))
        return
    found += [*not_reconciled(view), *gpus_missing(view), *_pods(view, view.pods), *failed_pods(view)]
    if any(finding.cause is Cause.CLAIM for finding in found):
        found += claims.stuck(view)
    found += [*generations(view), *unreached(view)]
    found += missing_pods(view, explained=any(finding.cause in _KEEP_PODS_AWAY for finding in found))
    # Any other finding may explain an incomplete model list.
    found += [] if found else unlisted(view)
    # A failed verification may be the consequence of a restart, so stale peers are checked anyway.
    found += [] if any(finding.cause in _REPLACE_PAIRS for finding in found) else stale_peers(view)
    verifying = [*_pods(view, pods_that_verify(view))]
    found += [*unverified(view, waits=bool(verifying)), *verifying, *unaddressed(view)]
    yield from found or [ready_finding(view)]


def _before_the_graph(view: View, *, weights_awaited: bool) -> Iterator[Finding]:
    """Findings while a first `pulumi up` waits for weights and nodes before it creates the graph."""
    nodes = [*gpus_missing(view)] if weights_awaited else [*awaited_pools(view), *gpus_missing(view)]
    yield from nodes
    awaited = "the weights are in the bucket" if weights_awaited else "its node pools have their nodes" if nodes else ""
    yield not_deployed(view, awaited)


def _pods(view: View, pods: list[Object]) -> Iterator[Finding]:
    """Findings of each pod that is not Ready, or whose node is lost."""
    for pod in pods:
        if not part(pod, "spec", "nodeName"):
            yield from unscheduled(view, pod)
        elif lost := node_lost(view, pod):
            yield lost
        elif not holds(pod, "Ready"):
            yield from unready(view, pod)
