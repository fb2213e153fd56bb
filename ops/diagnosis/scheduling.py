"""Why a pod has no node: gate, claims, capacity, quota, taints, resources. Knows the texts of the Kubernetes scheduler
(1.30 to 1.35) and of its claim controller."""

import re
from collections.abc import Iterator

from catalog.machines import GPU_RESOURCE
from catalog.rdma import modes_of
from manifests import labels
from ops.diagnosis import autoscaler, claims
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.nodes import describe_pool, how_nodes_come, usable
from ops.diagnosis.snapshot import Object, condition, label, name, part, parts, seen, unended, when
from ops.diagnosis.view import View, component, is_worker, reference


def unscheduled(view: View, pod: Object) -> Iterator[Finding]:
    """Every cause that keeps a pod without a node."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("reason") == "SchedulingGated":
        yield _gated(view, pod)
        return
    events = view.snapshot.events_of("Pod", name(pod), "FailedScheduling")
    says = str(scheduled.get("message") or (events[-1].get("message") if events else ""))
    found = [*claims.never_created(view, pod), *_volumes(view, pod, says)]
    if not found:
        found = [*_no_node_added(view, pod)] or [*_no_room_on_nodes(view, pod, says)]
    yield from found
    if not found:
        said = f"the scheduler says: {says}" if says else "the scheduler has given no reason yet"
        yield view.finding(Cause.UNEXPLAINED, f"{component(pod)} has no node; {said}", reference(pod))


def _gated(view: View, pod: Object) -> Finding:
    gates = ", ".join(str(gate.get("name")) for gate in parts(pod, "spec", "schedulingGates"))
    whose = (
        "Grove removes it when the whole gang can be placed; graphs of this program set "
        "nvidia.com/enable-grove: false, which is read at creation only, so delete the graph and create it again"
        if "grove.io/" in gates
        else "the controller that set it has to remove it"
    )
    return view.finding(Cause.GATE, f"{component(pod)} waits for its scheduling gate {gates}: {whose}", reference(pod))


def _volumes(view: View, pod: Object, says: str) -> Iterator[Finding]:
    if "persistentvolumeclaim" in says.lower():
        yield view.finding(
            Cause.WEIGHTS,
            f"{component(pod)} waits for the volume of its weights; the scheduler says: {_first(says)}; see "
            f"`{view.kubectl} get pv,pvc`",
            reference(pod),
        )


def _no_node_added(view: View, pod: Object) -> Iterator[Finding]:
    """Whether GKE adds a node for the pod, and pools without a usable node."""
    snapshot, target = view.snapshot, _target(pod)
    wants = f"{component(pod)} waits for a node of {target}"
    nodes = _nodes_for(view, pod)
    failed = autoscaler.newest(snapshot, pod, "FailedScaleUp")
    triggered = autoscaler.newest(snapshot, pod, "TriggeredScaleUp")
    refused = autoscaler.refusal(snapshot, pod)
    if failed and not (triggered and seen(triggered) > seen(failed)):
        yield from autoscaler.scale_up_failed(view, pod, target, str(failed.get("message")))
    elif triggered and not refused and not _arrived(nodes, triggered):
        asked = snapshot.age(seen(triggered))
        yield view.finding(
            Cause.CAPACITY,
            f"{wants}, which GKE is adding, requested {asked} ago; wait, or see what follows",
            reference(pod),
        )
    elif not nodes:
        yield view.finding(Cause.CAPACITY, f"{wants}, which has none{_why_none(view, pod, refused)}", reference(pod))
    elif not any(usable(node) for node in nodes):
        yield from (_unusable(view, pod, node) for node in nodes)


def _why_none(view: View, pod: Object, refused: Object | None) -> str:
    pool, target = part(pod, "spec", "nodeSelector", labels.NODE_POOL), _target(pod)
    if refused:
        where = f"; see {describe_pool(view, pool)}" if pool else ""
        return f", and the autoscaler adds none: {autoscaler.why_not(view, refused, target)}{where}"
    if pool:
        return f": {how_nodes_come(view, pool)}"
    return ": this stack adds no nodes to an existing cluster, its owner does"


def _arrived(nodes: list[Object], triggered: Object) -> bool:
    """Whether the requested node has arrived, so that the pod waits for something else."""
    births = [when(part(node, "metadata", "creationTimestamp")) for node in nodes if usable(node)]
    return any(birth and birth > seen(triggered) for birth in births)


def _unusable(view: View, pod: Object, node: Object) -> Finding:
    wants = f"{component(pod)} waits for node {name(node)} of {_target(pod)}"
    where = (reference(pod), f"node/{name(node)}")
    if part(node, "spec", "unschedulable"):
        return view.finding(
            Cause.CAPACITY,
            f"{wants}, which is cordoned; `kubectl uncordon {name(node)}` unless it is being upgraded",
            *where,
        )
    ready = condition(node, "Ready")
    return view.finding(
        Cause.CAPACITY, f"{wants}, which is not Ready ({ready.get('reason')}: {ready.get('message')})", *where
    )


def _no_room_on_nodes(view: View, pod: Object, says: str) -> Iterator[Finding]:
    """Why none of the pool's usable nodes accepts the pod."""
    nodes = [node for node in _nodes_for(view, pod) if usable(node)]
    role, target = component(pod), _target(pod)
    if taints := _taints_of_all(nodes, pod):
        yield view.finding(
            Cause.TAINT,
            f"{role} does not tolerate the taints of every node of {target}, {', '.join(taints)}: "
            "remove the taint, or let the graph tolerate it",
            reference(pod),
            *(f"node/{name(node)}" for node in nodes),
        )
        return
    verdict = _first(says)
    if "cannot allocate all claims" in verdict:
        yield view.finding(
            Cause.CLAIM,
            f"{role} waits for RDMA NICs that no node of {target} can allocate: {claims.why_none_is_free(view, nodes)}",
            reference(pod),
            *(f"resourceclaim/{c}" for c in claims.claims_of(pod)),
        )
    if missing := re.search(r"device class (\S+) does not exist", verdict):
        unclaimed = _modes_without_claims(view)
        yield view.finding(
            Cause.CLAIM,
            f"{role} waits for RDMA NICs, but the cluster has no DeviceClass {missing[1]}: GKE "
            f"{view.plan.rdma.min_gke and view.plan.rdma.min_gke.version} and later have it; upgrade the cluster"
            + (f", or set network.rdma to {' or '.join(unclaimed)}" if unclaimed else ""),
            reference(pod),
            *(f"resourceclaim/{c}" for c in claims.claims_of(pod)),
        )
    short = re.findall(r"Insufficient ([\w./-]*\w)", verdict)
    if "Too many pods" in verdict:
        short.append("pods")
    # GPUs come with a node's driver, which has a finding of its own.
    absent = [each for each in short if each != GPU_RESOURCE and _asked(pod, each) and not _offered(nodes, each)]
    if absent:
        yield view.finding(
            Cause.RESOURCES,
            f"{role} asks for {', '.join(absent)}, which no node of {target} offers, so more nodes do not help: remove "
            "the request, or use machines that offer it",
            reference(pod),
        )
    elif short:
        refused = autoscaler.refusal(view.snapshot, pod)
        none_added = f"; the autoscaler adds no node: {autoscaler.why_not(view, refused, target)}" if refused else ""
        none_added = none_added or _of_old_generation(view, pod, nodes) or _of_fixed_size(view, pod, nodes)
        yield view.finding(
            Cause.RESOURCES,
            f"{role} waits for free resources on {target}: {', '.join(_shortage(r, pod, nodes) for r in short)}; "
            f"{_holders(view, nodes)}{none_added}",
            reference(pod),
        )


def _of_old_generation(view: View, pod: Object, nodes: list[Object]) -> str:
    """What to do if workers that a rolling update keeps have the pod's nodes; empty otherwise."""
    if part(view.deployed, "status", "rollingUpdate", "phase") != "InProgress" or view.graph.recreates:
        return ""
    there, own = {name(node) for node in nodes}, label(pod, labels.WORKER_HASH)
    kept = [
        name(each)
        for each in view.pods
        if is_worker(each) and part(each, "spec", "nodeName") in there and label(each, labels.WORKER_HASH) != own
    ]
    setting = f"'dynamo-gke:models.{view.graph.name}.updateStrategy'"
    return (
        f"; the rolling update keeps {', '.join(sorted(kept))} until enough new workers run: if this one needs their "
        f"GPUs, it never finishes; then run `pulumi config set --path {setting} recreate`, which stops all old workers "
        "first, and `pulumi up`"
        if kept
        else ""
    )


def _of_fixed_size(view: View, pod: Object, nodes: list[Object]) -> str:
    """What to do if the pod's pool has all the nodes that the stack gives it; empty otherwise."""
    pools = [pool for pool in view.gpu_pools if pool.name == part(pod, "spec", "nodeSelector", labels.NODE_POOL)]
    if not pools or len(nodes) < pools[0].max_nodes:
        return ""
    count = f"{len(nodes)} node{'s' if len(nodes) > 1 else ''}"
    return (
        f"; the stack gives the pool {count} at most, and all exist: if somebody scaled {component(pod)} by hand, "
        "scale it back; else raise its replicas in the stack file and run `pulumi up`, which adds the nodes"
    )


def _target(pod: Object) -> str:
    """Description of the nodes that a pod may run on."""
    selector = part(pod, "spec", "nodeSelector") or {}
    if pool := selector.get(labels.NODE_POOL):
        return f"pool {pool}"
    wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
    return f"those with {wanted}" if wanted else "the cluster"


def _nodes_for(view: View, pod: Object) -> list[Object]:
    """The nodes of the pod's pool, else those that its selector matches."""
    selector = part(pod, "spec", "nodeSelector") or {}
    if pool := selector.get(labels.NODE_POOL):
        return view.snapshot.nodes_of(pool)
    return [node for node in view.snapshot.nodes if all(label(node, key) == value for key, value in selector.items())]


def _first(says: str) -> str:
    """The scheduler's verdict without its remarks on preemption, because pods here have no priority."""
    return re.split(r"\.? (?:still not schedulable|preemption:|no new claims|not found$)", says)[0]


def _taints_of_all(nodes: list[Object], pod: Object) -> list[str]:
    """The taints that the pod does not tolerate, if every node has one; else none."""
    each = [
        [taint for taint in parts(node, "spec", "taints") if taint.get("effect") != "PreferNoSchedule"]
        for node in nodes
    ]
    against = [
        [t for t in taints if not any(_tolerates(o, t) for o in parts(pod, "spec", "tolerations"))] for taints in each
    ]
    if not against or not all(against):
        return []
    words = (f"{t.get('key')}={t.get('value', '')}:{t.get('effect')}" for taints in against for t in taints)
    return list(dict.fromkeys(words))


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    exists = toleration.get("operator") == "Exists"
    if not toleration.get("key"):
        return exists
    same_value = exists or toleration.get("value", "") == taint.get("value", "")
    return toleration["key"] == taint.get("key") and same_value


def _shortage(resource: str, pod: Object, nodes: list[Object]) -> str:
    """A shortage such as `cpu (asks for 96, a node has 222)`."""
    asks, has = _asked(pod, resource), _offered(nodes, resource)
    asked = f"asks for {' + '.join(asks)}" if asks else "too little"
    return f"{resource} ({asked}" + (f", a node has {' or '.join(has)})" if has else ")")


def _asked(pod: Object, resource: str) -> list[str]:
    """The amounts of a resource that the pod's containers ask for."""
    return [
        str(amount)
        for container in parts(pod, "spec", "containers")
        for amount in [
            part(container, "resources", "requests", resource) or part(container, "resources", "limits", resource)
        ]
        if amount
    ]


def _offered(nodes: list[Object], resource: str) -> list[str]:
    """The different amounts of a resource that nodes offer to pods."""
    return sorted({str(part(node, "status", "allocatable", resource)) for node in nodes} - {"None", "0"})


def _holders(view: View, nodes: list[Object]) -> str:
    there = {name(node) for node in nodes}
    held = sorted(name(pod) for pod in view.snapshot.pods if part(pod, "spec", "nodeName") in there and unended(pod))
    return f"on its nodes run {', '.join(held)}" if held else f"no pod of namespace {view.namespace} runs on its nodes"


def _modes_without_claims(view: View) -> list[str]:
    """RDMA modes of the stack's machines that need no DeviceClass."""
    modes = modes_of(pool.machine.rdma.modes for pool in view.plan.gpu_pools if pool.machine.rdma)
    return [mode.name for mode in modes if not mode.worker(1, {}).claim]
