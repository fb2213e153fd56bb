"""Pods that failed for good: evicted, refused by their node, preempted, shut down. They hold nothing any more."""

import re
from collections.abc import Iterator
from datetime import timedelta

from manifests import labels
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.jobs import DISK_FULL, last_line
from ops.diagnosis.snapshot import Object, condition, container_statuses, holds, label, name, part, parts, seen, when
from ops.diagnosis.view import View, component, reference

# A pod that failed longer ago than this does not explain why another one is not Ready now.
RECENT = timedelta(hours=1)
# Events of the scheduler, the kubelet and the taint controller about pods that they remove.
_REMOVALS = ("Preempted", "Evicted", "TaintManagerEviction")


def failed_pods(view: View) -> Iterator[Finding]:
    """Failed pods of components that have fewer Ready pods than wanted, and why each failed."""
    for role, wanted in view.components.items():
        live = [pod for pod in view.pods if label(pod, labels.COMPONENT) == role]
        if sum(holds(pod, "Ready") for pod in live) >= wanted:
            continue
        for pod in view.failed_pods:
            if label(pod, labels.COMPONENT) == role and (len(live) < wanted or _recent(view, pod)):
                yield _failed(view, pod)
        yield from _removed(view, role)


def _removed(view: View, role: str) -> Iterator[Finding]:
    """Pods of a component that others removed, told from their events: the objects are gone."""
    there = {name(pod) for pod in view.snapshot.pods}
    for event in view.snapshot.events:
        pod, reason = str(part(event, "involvedObject", "name")), str(event.get("reason"))
        ours = part(event, "involvedObject", "kind") == "Pod" and pod.startswith(f"{view.graph.name}-{role.lower()}-")
        if ours and pod not in there and reason in _REMOVALS and view.snapshot.taken - seen(event) < RECENT:
            why = f"{reason}: {str(event.get('message')).strip().rstrip('.')}"
            yield view.finding(
                Cause.POD_FAILED, f"{role} had a pod that was removed ({why}){_remedy(why)}", f"pod/{pod}"
            )


def left_over(view: View) -> str:
    """A note on failed pods of a graph that is well without them; empty where there are none."""
    if not (failed := view.failed_pods):
        return ""
    newest = max(failed, key=lambda pod: str(part(pod, "metadata", "creationTimestamp")))
    count = "1 failed pod is" if len(failed) == 1 else f"{len(failed)} failed pods are"
    return (
        f"; {count} left over ({component(newest)}: {_why(newest)}), holding nothing: `{view.kubectl} delete pods "
        "--field-selector status.phase=Failed` removes them"
    )


def _failed(view: View, pod: Object) -> Finding:
    node = part(pod, "spec", "nodeName")
    where = f" on node {node}" if node else ""
    why = _why(pod)
    return view.finding(
        Cause.POD_FAILED,
        f"{component(pod)} had a pod that failed{where} ({why}){_remedy(why)}; a failed pod is not restarted and holds "
        "no GPU, another one takes its place",
        reference(pod),
    )


def _why(pod: Object) -> str:
    """The pod's own reason and message; else who disrupted it; else how its containers ended."""
    reason, message = part(pod, "status", "reason"), part(pod, "status", "message")
    if reason or message:
        return ": ".join(str(words).strip().rstrip(".") for words in (reason, message) if words)
    disrupted = condition(pod, "DisruptionTarget")
    if disrupted.get("status") == "True":
        return f"{disrupted.get('reason')}: {disrupted.get('message')}"
    ends = [(status, part(status, "state", "terminated") or {}) for status in container_statuses(pod)]
    said = [
        f"container {status.get('name')}: {ended.get('reason') or 'no reason'}, exit code {ended['exitCode']}"
        + (f": {last_line(str(ended['message']))}" if ended.get("message") else "")
        for status, ended in ends
        if ended.get("exitCode")
    ]
    return "; ".join(said) or "its status gives no reason"


def _remedy(why: str) -> str:
    """For the reasons and words of the kubelet, the scheduler and the node's controllers."""
    remedies = {
        rf"^Evicted.*({DISK_FULL})": "it or its node ran out of disk: see what it writes, and its emptyDir limits",
        r"^Evicted.*memory": "the node ran out of memory: see what runs beside it",
        r"^Evicted.*(pid|PID)": "the node ran out of process ids",
        r"^(Terminated|NodeShutdown|Shutdown)|node shutdown|node is shutting down": "its node was shut down: "
        "reclaimed, in maintenance or upgraded",
        r"^Preempt|PreemptionByScheduler": "a pod of higher priority took its place: see `kubectl get pods -A "
        "--sort-by .spec.priority`",
        r"^(UnexpectedAdmissionError|OutOf|NodeAffinity|TopologyAffinityError)|Pod was rejected": "the node refused "
        "it, as nodes do after a reboot until their driver has registered the GPUs: see what the node offers with "
        "`kubectl describe node`",
        r"^NodeLost|^TaintManagerEviction|DeletionByTaintManager|DeletionByPodGC": "its node was lost",
        r"^DeadlineExceeded": "it ran longer than its deadline",
    }
    return next((f"; {remedy}" for pattern, remedy in remedies.items() if re.search(pattern, why)), "")


def _recent(view: View, pod: Object) -> bool:
    """Whether it failed within the last hour; also when no time says so."""
    ends = [when(part(status, "state", "terminated", "finishedAt")) for status in container_statuses(pod)]
    turns = [when(c.get("lastTransitionTime")) for c in parts(pod, "status", "conditions")]
    known = [moment for moment in (*ends, *turns) if moment]
    return not known or view.snapshot.taken - max(known) < RECENT
