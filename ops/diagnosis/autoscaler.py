"""What GKE's cluster autoscaler says of adding a node for a pod. The texts are those of the open-source autoscaler
(1.27 to 1.35) and of GKE's own event FailedScaleUp."""

import re
from collections.abc import Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, Snapshot, name, seen
from ops.diagnosis.view import View, component, reference

# Reasons about pools that the pod is not for: every other pool of the cluster gives one.
_OTHER_POOL = re.compile(r"didn't match Pod's node affinity/selector")


def newest(snapshot: Snapshot, pod: Object, reason: str) -> Object | None:
    return next(iter(snapshot.events_of("Pod", name(pod), reason)[-1:]), None)


def refusal(snapshot: Snapshot, pod: Object) -> Object | None:
    """The newest event that says why no node is added, unless one was asked for since."""
    refused, triggered = newest(snapshot, pod, "NotTriggerScaleUp"), newest(snapshot, pod, "TriggeredScaleUp")
    return None if refused and triggered and seen(triggered) > seen(refused) else refused


def why_not(view: View, refused: Object, target: str) -> str:
    """The autoscaler's reasons against a node for the pod, each with what to do where that is known. `target` are the
    nodes that the pod may run on, in words."""
    says = str(refused.get("message")).partition("scale-up")[2].lstrip(": ")
    reasons = [re.sub(r"^\d+ ", "", reason).rstrip(".") for reason in re.split(r", (?=\d+ )", says) if reason]
    own = [reason for reason in reasons if not _OTHER_POOL.search(reason)]
    if not own:
        given = f" ({', '.join(reasons)})" if reasons else ""
        return f"it knows no pool for this pod{given}: {target} has a fixed size, or is not there yet"
    return "; ".join(reason + _remedy(reason, target) for reason in own)


def _remedy(reason: str, target: str) -> str:
    remedies = {
        "max node group size reached|max cluster size reached": ": the pool is already at its largest; raise "
        f"capacity.maxNodes, or free a node of {target}",
        "in backoff after failed scale-up": ": an attempt before failed, and GKE waits up to half an hour before the "
        "next; the status of the pool and the errors of its instance group say what failed",
        "max cluster .* limit reached": ": a limit of the cluster's autoscaling; this stack sets none",
        "not ready for scale-up": ": the pool is being made or changed; wait",
        "untolerated taint|had taint": ": the pod does not tolerate what a new node would be tainted with",
        "cannot allocate all claims|resourceclaim": ": the autoscaler does not know that a new node brings NICs; add "
        "the first node by hand",
        "Insufficient": ": a new node of that machine would be too small for the pod",
    }
    return next((remedy for pattern, remedy in remedies.items() if re.search(pattern, reason)), "")


def _quotas(view: View) -> str:
    """What the nodes of the graph's pools count against, and how much of it a node takes."""
    told: dict[str, None] = {}
    for pool in view.gpu_pools:
        offer = pool.machine.sold.get(pool.purchase.mode) if pool.purchase else None
        if offer and offer.quota:
            told[f"{offer.quota.id}, {pool.machine.gpus.count} a node, and "] = None
    return "".join(told)


def scale_up_failed(view: View, pod: Object, target: str, says: str) -> Iterator[Finding]:
    """GKE joins several reasons in one event, such as `GCE quota exceeded, GCE out of resources`."""
    wants = f"{component(pod)} waits for a node of {target}"
    reason = re.sub(r"^.* failed: |\.? Pod is at risk of not being scheduled\.?$", "", says)
    lower = reason.lower()
    if "quota" in lower:
        yield view.finding(
            Cause.QUOTA,
            f"{wants}, refused by quota ({reason}): raise it, waiting does not help; {_quotas(view)}"
            "GPUS-ALL-REGIONS-per-project counts too",
            reference(pod),
        )
    if "reservation" in lower:
        named = next((p.reservation.name for p in view.plan.purchases if p.reservation), "NAME")
        yield view.finding(
            Cause.CAPACITY,
            f"{wants}, which the reservation cannot give ({reason}): free a machine of it or enlarge it; look with "
            f"`gcloud compute reservations describe {named} --zone {view.plan.zone}`",
            reference(pod),
        )
    elif "out of resources" in lower or "stockout" in lower or "resource_pool_exhausted" in lower:
        yield view.finding(
            Cause.CAPACITY,
            f"{wants}, and zone {view.plan.zone} has no such machine free ({reason}): GKE goes on asking; a "
            "reservation or another zone does not depend on luck",
            reference(pod),
        )
    elif "quota" not in lower:
        yield view.finding(Cause.CAPACITY, f"{wants}, which GKE could not add: {reason}", reference(pod))
