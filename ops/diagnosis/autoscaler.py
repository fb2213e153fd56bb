"""Reads GKE's cluster autoscaler: why a node is not added for a pod. Knows the texts of the open-source autoscaler
(1.27 to 1.35) and of GKE's event FailedScaleUp."""

import re
from collections.abc import Iterable, Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, Snapshot, name, seen
from ops.diagnosis.view import View, component, reference
from planning.types import WorkerPool

# The reason given for every pool that the pod does not select.
_OTHER_POOL = re.compile(r"didn't match Pod's node affinity/selector")


def newest(snapshot: Snapshot, pod: Object, reason: str) -> Object | None:
    return next(iter(snapshot.events_of("Pod", name(pod), reason)[-1:]), None)


def refusal(snapshot: Snapshot, pod: Object) -> Object | None:
    """The newest event that says why no node is added; None if a scale-up was triggered since."""
    refused, triggered = newest(snapshot, pod, "NotTriggerScaleUp"), newest(snapshot, pod, "TriggeredScaleUp")
    return None if refused and triggered and seen(triggered) > seen(refused) else refused


def why_not(view: View, refused: Object, target: str) -> str:
    """The autoscaler's reasons for not adding a node, each with a fix if one is known. `target` describes the nodes
    that the pod may run on."""
    says = str(refused.get("message")).partition("scale-up")[2].lstrip(": ")
    reasons = [re.sub(r"^\d+ ", "", reason).rstrip(".") for reason in re.split(r", (?=\d+ )", says) if reason]
    own = [reason for reason in reasons if not _OTHER_POOL.search(reason)]
    if not own:
        given = f" ({', '.join(reasons)})" if reasons else ""
        return f"it knows no pool for this pod{given}: {target} has a fixed size, or does not exist yet"
    return "; ".join(reason + _remedy(reason, target) for reason in own)


def _remedy(reason: str, target: str) -> str:
    remedies = {
        "max node group size reached|max cluster size reached": ": the pool is at its maximum; raise "
        f"capacity.maxNodes, or free a node of {target}",
        "in backoff after failed scale-up": ": an earlier attempt failed, and GKE waits up to half an hour before the "
        "next; the pool's status and the errors of its instance group show why",
        "max cluster .* limit reached": ": a limit of the cluster's autoscaling; this stack sets none",
        "not ready for scale-up": ": the pool is being created or changed; wait",
        "untolerated taint|had taint": ": the pod does not tolerate the taints of a new node",
        "cannot allocate all claims|resourceclaim": ": the autoscaler does not know that a new node brings NICs; add "
        "the first node by hand",
        "Insufficient": ": a new node of this machine type is too small for the pod",
    }
    return next((remedy for pattern, remedy in remedies.items() if re.search(pattern, reason)), "")


def quotas_of(pools: Iterable[WorkerPool]) -> str:
    """A clause with every quota that the pools' nodes count against, and the amount that a node uses; may be empty."""
    quotas: dict[str, None] = {}
    for pool in pools:
        offer = pool.machine.sold.get(pool.purchase.mode) if pool.purchase else None
        for quota in (offer.quota, offer.over_all_regions) if offer else ():
            if quota:
                quotas[f"{quota.id}, {pool.machine.gpus.count} a node"] = None
    return f"; see {' and '.join(quotas)}" if quotas else ""


def scale_up_failed(view: View, pod: Object, target: str, says: str) -> Iterator[Finding]:
    """GKE joins several reasons in one event, such as `GCE quota exceeded, GCE out of resources`."""
    wants = f"{component(pod)} waits for a node of {target}"
    reason = re.sub(r"^.* failed: |\.? Pod is at risk of not being scheduled\.?$", "", says)
    lower = reason.lower()
    if "quota" in lower:
        yield view.finding(
            Cause.QUOTA,
            f"{wants}, refused by quota ({reason}): raise the quota, waiting does not help{quotas_of(view.gpu_pools)}",
            reference(pod),
        )
    if "reservation" in lower:
        named = next((p.reservation.name for p in view.plan.purchases if p.reservation), "NAME")
        yield view.finding(
            Cause.CAPACITY,
            f"{wants}, but the reservation provides none ({reason}): free a machine or enlarge the reservation; see "
            f"`gcloud compute reservations describe {named} --zone {view.plan.zone}`",
            reference(pod),
        )
    elif "out of resources" in lower or "stockout" in lower or "resource_pool_exhausted" in lower:
        yield view.finding(
            Cause.CAPACITY,
            f"{wants}, but zone {view.plan.zone} has no free machine of this type ({reason}): GKE keeps trying; "
            "use a reservation or another zone to be sure",
            reference(pod),
        )
    elif "quota" not in lower:
        yield view.finding(Cause.CAPACITY, f"{wants}, but GKE could not add one: {reason}", reference(pod))
