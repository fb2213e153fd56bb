"""Why a pod has no node: gate, claims, capacity, quota, taints, room. The texts are those of the Kubernetes scheduler
(1.30 to 1.35), of its claim controller and of GKE's cluster autoscaler."""

import re
from collections.abc import Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import NODE_POOL_LABEL, Object, condition, holds, label, name, part, parts, seen
from ops.diagnosis.view import View, component, reference
from spec.capacity import CapacityMode
from spec.gke_versions import DRANET

# GKE's driver offers the NICs of a node to pods only under this label.
NIC_DRIVER_LABEL = "cloud.google.com/gke-networking-dra-driver"


def unscheduled(view: View, pod: Object) -> Iterator[Finding]:
    """Every cause that keeps a pod without a node."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("reason") == "SchedulingGated":
        yield _gated(view, pod)
        return
    events = view.snapshot.events_of("Pod", name(pod), "FailedScheduling")
    says = str(scheduled.get("message") or (events[-1].get("message") if events else ""))
    found = [*_claims_never_made(view, pod), *_volumes(view, pod, says)]
    if not found:
        found = [*_no_room_made(view, pod)] or [*_no_room_on_nodes(view, pod, says)]
    yield from found
    if not found:
        seen = f"the scheduler says: {says}" if says else "the scheduler has said nothing about it yet"
        yield view.finding(Cause.UNEXPLAINED, f"{component(pod)} has no node; {seen}", reference(pod))


def _gated(view: View, pod: Object) -> Finding:
    gates = ", ".join(str(gate["name"]) for gate in parts(pod, "spec", "schedulingGates"))
    whose = (
        "Grove takes it off when the whole gang can be placed; graphs of this program set "
        "nvidia.com/enable-grove: false, which is read when a graph is created, so delete and create it anew"
        if "grove.io/" in gates
        else "whoever set it takes it off"
    )
    return view.finding(Cause.GATE, f"{component(pod)} waits for its scheduling gate {gates}: {whose}", reference(pod))


def _claims_never_made(view: View, pod: Object) -> Iterator[Finding]:
    """Claims that do not exist because their template does not, or because making them failed."""
    templates = {name(template) for template in view.snapshot.claim_templates}
    made = {status.get("name") for status in parts(pod, "status", "resourceClaimStatuses")}
    failures = view.snapshot.events_of("Pod", name(pod), "FailedResourceClaimCreation")
    for claim in parts(pod, "spec", "resourceClaims"):
        template = claim.get("resourceClaimTemplateName")
        waits = f"{component(pod)} waits for its NIC claim {claim['name']}"
        if template and template not in templates:
            yield view.finding(
                Cause.CLAIM,
                f"{waits}, whose ResourceClaimTemplate {template} is not in namespace {view.namespace}; `pulumi up` "
                "makes it, after which deleting the pod spares it a wait of up to 17 min",
                reference(pod),
            )
        elif claim["name"] not in made and failures:
            yield view.finding(
                Cause.CLAIM, f"{waits}, which could not be made: {failures[-1].get('message')}", reference(pod)
            )


def _volumes(view: View, pod: Object, says: str) -> Iterator[Finding]:
    if "persistentvolumeclaim" in says.lower():
        yield view.finding(
            Cause.WEIGHTS,
            f"{component(pod)} waits for the volume of its weights, as the scheduler says: {_first(says)}; look with "
            f"`kubectl -n {view.namespace} get pv,pvc`",
            reference(pod),
        )


def _no_room_made(view: View, pod: Object) -> Iterator[Finding]:
    """What GKE says of adding a node for the pod, and of a pool without a usable node."""
    pool, role, snapshot = _pool(pod), component(pod), view.snapshot
    wants = f"{role} waits for a node of pool {pool}"
    failed = snapshot.events_of("Pod", name(pod), "FailedScaleUp")[-1:]
    triggered = snapshot.events_of("Pod", name(pod), "TriggeredScaleUp")[-1:]
    if failed and not (triggered and seen(triggered[0]) > seen(failed[0])):
        yield from _scale_up_failed(view, pod, str(failed[0].get("message")))
        return
    nodes = snapshot.nodes_of(pool)
    if triggered:
        asked = snapshot.age(seen(triggered[0]))
        yield view.finding(
            Cause.CAPACITY,
            f"{wants}, which GKE is adding, asked {asked} ago; wait, or see what follows",
            reference(pod),
        )
    elif not nodes:
        yield view.finding(Cause.CAPACITY, f"{wants}, which has none: {_how_nodes_come(view, pool)}", reference(pod))
    elif not any(_usable(node) for node in nodes):
        yield from (_unusable(view, pod, node) for node in nodes)


def _scale_up_failed(view: View, pod: Object, says: str) -> Iterator[Finding]:
    """GKE joins several reasons in one event, such as `GCE quota exceeded, GCE out of resources`."""
    wants = f"{component(pod)} waits for a node of pool {_pool(pod)}"
    reason = re.sub(r"^.* failed: |\.? Pod is at risk of not being scheduled\.?$", "", says)
    lower = reason.lower()
    if "quota" in lower:
        yield view.finding(
            Cause.QUOTA,
            f"{wants}, refused by quota ({reason}): raise it, waiting does not help; spot and flexStart take "
            "PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region, 8 a node, and GPUS-ALL-REGIONS-per-project counts too",
            reference(pod),
        )
    if "reservation" in lower:
        named = view.plan.reservation or "NAME"
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


def _how_nodes_come(view: View, pool: str) -> str:
    describe = (
        f"`gcloud container node-pools describe {pool} --cluster {view.plan.cluster.name} "
        f"--location {view.plan.cluster.location}`"
    )
    gpu_pools = {gpu_pool.name for gpu_pool in view.plan.gpu_pools}
    if pool in gpu_pools and view.plan.capacity_mode is CapacityMode.FLEX_START:
        return f"flexStart adds one when there is capacity, and no event of the autoscaler is there yet; see {describe}"
    return f"it is still being made, or its creation failed; see the status of {describe}"


def _unusable(view: View, pod: Object, node: Object) -> Finding:
    wants = f"{component(pod)} waits for node {name(node)} of pool {_pool(pod)}"
    where = (reference(pod), f"node/{name(node)}")
    if part(node, "spec", "unschedulable"):
        return view.finding(
            Cause.CAPACITY, f"{wants}, which is cordoned; `kubectl uncordon {name(node)}` unless it is upgraded", *where
        )
    ready = condition(node, "Ready")
    return view.finding(
        Cause.CAPACITY, f"{wants}, which is not Ready ({ready.get('reason')}: {ready.get('message')})", *where
    )


def _no_room_on_nodes(view: View, pod: Object, says: str) -> Iterator[Finding]:
    """Why none of the pool's usable nodes takes the pod."""
    nodes = [node for node in view.snapshot.nodes_of(_pool(pod)) if _usable(node)]
    role = component(pod)
    if taints := _taints_of_all(nodes, pod):
        yield view.finding(
            Cause.TAINT,
            f"{role} does not tolerate what every node of pool {_pool(pod)} is tainted with, {', '.join(taints)}: "
            "whoever set the taint has to take it off, or the graph has to tolerate it",
            reference(pod),
            *(f"node/{name(node)}" for node in nodes),
        )
        return
    verdict = _first(says)
    if "cannot allocate all claims" in verdict:
        yield view.finding(
            Cause.CLAIM,
            f"{role} waits for RDMA NICs that no node of pool {_pool(pod)} can allocate: {_why_no_nics(view, nodes)}",
            reference(pod),
            *(f"resourceclaim/{c}" for c in _claims_of(pod)),
        )
    if missing := re.search(r"device class (\S+) does not exist", verdict):
        yield view.finding(
            Cause.CLAIM,
            f"{role} waits for RDMA NICs, and the cluster has no DeviceClass {missing[1]} to claim them by: GKE brings "
            f"it from {DRANET.version} on; raise the cluster's version, or below it set network.rdma to multiNetwork",
            reference(pod),
            *(f"resourceclaim/{c}" for c in _claims_of(pod)),
        )
    short = re.findall(r"Insufficient ([\w./-]*\w)", verdict)
    if "Too many pods" in verdict:
        short.append("pods")
    if short:
        at_most = view.snapshot.events_of("Pod", name(pod), "NotTriggerScaleUp")[-1:]
        largest = at_most and "max node group size reached" in str(at_most[0].get("message"))
        yield view.finding(
            Cause.RESOURCES,
            f"{role} waits for room on pool {_pool(pod)}: {', '.join(_shortage(r, pod, nodes) for r in short)}; "
            f"{_holders(view, nodes)}" + ("; the pool is already at its largest" if largest else ""),
            reference(pod),
        )


def _pool(pod: Object) -> str:
    return str(part(pod, "spec", "nodeSelector", NODE_POOL_LABEL) or "(any)")


def _first(says: str) -> str:
    """The scheduler's verdict, without what it says of preemption: no pod here has a priority to preempt with."""
    return re.split(r"\.? (?:still not schedulable|preemption:|no new claims)", says)[0]


def _usable(node: Object) -> bool:
    return holds(node, "Ready") and not part(node, "spec", "unschedulable")


def _taints_of_all(nodes: list[Object], pod: Object) -> list[str]:
    """The taints that the pod does not tolerate, if every node has one such; else none."""
    each = [
        [taint for taint in parts(node, "spec", "taints") if taint.get("effect") != "PreferNoSchedule"]
        for node in nodes
    ]
    against = [
        [t for t in taints if not any(_tolerates(o, t) for o in parts(pod, "spec", "tolerations"))] for taints in each
    ]
    if not against or not all(against):
        return []
    words = (f"{t['key']}={t.get('value', '')}:{t.get('effect')}" for taints in against for t in taints)
    return list(dict.fromkeys(words))


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    exists = toleration.get("operator") == "Exists"
    if not toleration.get("key"):
        return exists
    same_value = exists or toleration.get("value", "") == taint.get("value", "")
    return toleration["key"] == taint.get("key") and same_value


def _why_no_nics(view: View, nodes: list[Object]) -> str:
    unlabelled = [name(node) for node in nodes if label(node, NIC_DRIVER_LABEL) != "true"]
    if nodes and len(unlabelled) == len(nodes):
        return f"none has the label {NIC_DRIVER_LABEL}=true, without which GKE offers no NIC; the pool sets it"
    on_nodes = {name(pod) for pod in view.snapshot.pods if part(pod, "spec", "nodeName") in {name(n) for n in nodes}}
    holders = [
        str(user["name"])
        for claim in view.snapshot.claims
        for user in parts(claim, "status", "reservedFor")
        if user.get("name") in on_nodes
    ]
    if holders:
        return f"they are held by {', '.join(sorted(set(holders)))}, and are free once that pod has ended"
    return "no pod of this namespace holds them; look at what the nodes offer with `kubectl get resourceslices`"


def _claims_of(pod: Object) -> list[str]:
    return [
        str(s["resourceClaimName"]) for s in parts(pod, "status", "resourceClaimStatuses") if "resourceClaimName" in s
    ]


def _shortage(resource: str, pod: Object, nodes: list[Object]) -> str:
    """`cpu: asks for 96, a node has 222`; the scheduler's words alone where the pod asks for nothing of it."""
    asks = [
        str(amount)
        for container in parts(pod, "spec", "containers")
        for amount in [
            part(container, "resources", "requests", resource) or part(container, "resources", "limits", resource)
        ]
        if amount
    ]
    has = sorted({str(part(node, "status", "allocatable", resource)) for node in nodes} - {"None"})
    asked = f"asks for {' + '.join(asks)}" if asks else "too little"
    return f"{resource} ({asked}" + (f", a node has {' or '.join(has)})" if has else ")")


def _holders(view: View, nodes: list[Object]) -> str:
    there = {name(node) for node in nodes}
    held = sorted(name(pod) for pod in view.snapshot.pods if part(pod, "spec", "nodeName") in there)
    return f"on its nodes run {', '.join(held)}" if held else f"no pod of namespace {view.namespace} runs on its nodes"
