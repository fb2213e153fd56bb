"""Failed pods: evicted, rejected by their node, preempted, shut down. They hold no resources."""

import re
from collections.abc import Iterator
from datetime import timedelta

from manifests import labels
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.jobs import DISK_FULL, last_line
from ops.diagnosis.snapshot import Object, condition, container_statuses, holds, label, name, part, parts, seen, when
from ops.diagnosis.view import View, component, reference

# A pod that failed longer ago does not explain why another one is not Ready now.
RECENT = timedelta(hours=1)
# Events of the scheduler, the kubelet and the taint controller about pods that they remove.
_REMOVALS = ("Preempted", "Evicted", "TaintManagerEviction")
# The taint controller's event, of the same reason, for a pod that it does not remove after all.
_SPARED = "Cancelling deletion"


def failed_pods(view: View) -> Iterator[Finding]:
    """Failed pods of components with too few Ready pods, and why each failed."""
    for role, wanted in view.components.items():
        live = [pod for pod in view.pods if label(pod, labels.COMPONENT) == role]
        if sum(holds(pod, "Ready") for pod in live) >= wanted:
            continue
        for pod in view.failed_pods:
            if label(pod, labels.COMPONENT) == role and (len(live) < wanted or _recent(view, pod)):
                yield _failed(view, pod)
        yield from _removed(view, role)


def _removed(view: View, role: str) -> Iterator[Finding]:
    """Deleted pods of a component that were preempted or evicted, found by their events."""
    there = {name(pod) for pod in view.snapshot.pods}
    for event in view.snapshot.events:
        pod, reason = str(part(event, "involvedObject", "name")), str(event.get("reason"))
        ours = part(event, "involvedObject", "kind") == "Pod" and pod.startswith(f"{view.graph.name}-{role.lower()}-")
        says = str(event.get("message")).strip().rstrip(".")
        removed = reason in _REMOVALS and not says.startswith(_SPARED)
        if ours and pod not in there and removed and view.snapshot.taken - seen(event) < RECENT:
            why = f"{reason}: {says}"
            yield view.finding(
                Cause.POD_FAILED, f"{role} had a pod that was removed ({why}){_remedy(why)}", f"pod/{pod}"
            )


def left_over(view: View) -> str:
    """A note on failed pods of a Ready graph; empty if there are none."""
    if not (failed := view.failed_pods):
        return ""
    newest = max(failed, key=lambda pod: str(part(pod, "metadata", "creationTimestamp")))
    count = "1 failed pod is" if len(failed) == 1 else f"{len(failed)} failed pods are"
    return (
        f"; {count} left over ({component(newest)}: {_why(newest)}) and holds no resources: `{view.kubectl} delete "
        "pods --field-selector status.phase=Failed` removes them"
    )


def _failed(view: View, pod: Object) -> Finding:
    node = part(pod, "spec", "nodeName")
    where = f" on node {node}" if node else ""
    why = _why(pod)
    return view.finding(
        Cause.POD_FAILED,
        f"{component(pod)} had a pod that failed{where} ({why}){_remedy(why)}; a failed pod is not "
        "restarted and holds no GPU; a new pod replaces it",
        reference(pod),
    )


def _why(pod: Object) -> str:
    """The pod's reason and message, else its disruption, else how its containers ended."""
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
    """The fix for a reason of the kubelet, the scheduler or the node's controllers; empty if none is known."""
    remedies = {
        rf"^Evicted.*({DISK_FULL})": "the pod or its node ran out of disk: check its writes and emptyDir limits",
        r"^Evicted.*memory": "the node ran out of memory: see which other pods run there",
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
    """Whether the pod failed within the last hour, or at an unknown time."""
    ends = [when(part(status, "state", "terminated", "finishedAt")) for status in container_statuses(pod)]
    turns = [when(c.get("lastTransitionTime")) for c in parts(pod, "status", "conditions")]
    known = [moment for moment in (*ends, *turns) if moment]
    return not known or view.snapshot.taken - max(known) < RECENT
