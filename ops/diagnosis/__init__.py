"""Why a graph is not served yet: a snapshot of the cluster and the plan → findings. Pure: nothing here calls a cluster.

Each cause is recognised by what Kubernetes, GKE or the operator writes down for it. What fits none is repeated as it
was seen. The operator's field names are those of its 1.5 CRDs; that 1.6 keeps them is unverified.
"""

from collections.abc import Iterator

from ops.diagnosis.containers import unready
from ops.diagnosis.deployment import missing_pods, operator, settled, taken_up
from ops.diagnosis.findings import Cause, Finding, merged
from ops.diagnosis.routing import generations, unlisted, unreached
from ops.diagnosis.scheduling import unscheduled
from ops.diagnosis.snapshot import Object, Snapshot, holds, part
from ops.diagnosis.view import View
from ops.diagnosis.weights import pods_of_job, unfetched
from spec.plan import Graph, Plan

__all__ = ["Cause", "Finding", "Snapshot", "diagnose"]


# While these hold, fewer pods than wanted are no surprise.
_KEEP_PODS_AWAY = {Cause.OPERATOR, Cause.DELETING, Cause.REFUSED, Cause.ROLLING, Cause.OLD_GENERATION}


def diagnose(plan: Plan, graphs: tuple[Graph, ...], snapshot: Snapshot) -> tuple[Finding, ...]:
    """The findings of these graphs of the plan, at least one each, sorted by graph and by what to fix first."""
    return merged(finding for graph in graphs for finding in _graph(View(plan=plan, graph=graph, snapshot=snapshot)))


def _graph(view: View) -> Iterator[Finding]:
    found = [*operator(view), *taken_up(view)]
    if view.deployed is not None:
        waiting = [pod for pod in (*view.pods, *pods_of_job(view)) if not holds(pod, "Ready")]
        found += unfetched(view)
        found += [finding for pod in waiting for finding in _pod(view, pod)]
        found += [*generations(view), *unreached(view)]
        found += missing_pods(view, explained=any(finding.cause in _KEEP_PODS_AWAY for finding in found))
        # While anything else is amiss, an incomplete model list only follows from it.
        found += [] if found else unlisted(view)
    yield from found or [settled(view)]


def _pod(view: View, pod: Object) -> Iterator[Finding]:
    return unready(view, pod) if part(pod, "spec", "nodeName") else unscheduled(view, pod)
