"""Restarts by a change of the plan: the graphs whose workers restart, how many are down at a time, and for how long."""

from collections.abc import Iterator
from dataclasses import replace

from catalog import sizing
from catalog.purchases import NodePurchase
from catalog.rdma import RdmaMode
from manifests import graph as graph_builder
from manifests.dgd import Component, DynamoGraphDeployment
from ops.changes import lock_out, version_steps
from planning import names
from planning.first_token import READ_BYTES_PER_SECOND
from planning.types import Graph, Plan, Pool
from reading.frozen import Frozen


def restarted(before: Plan, after: Plan) -> list[str]:
    """Restarts by an update from one plan to the other, one sentence each; empty if nothing restarts."""
    return list(_restarts(before, after))


def _restarts(before: Plan, after: Plan) -> Iterator[str]:
    yield from _skipped(before, after)
    yield from _platform(before, after)
    if moved := _moved(before, after):
        yield moved
    yield from _rdma(before, after)
    yield from _capacity(before, after)
    yield from _pools(before, after)
    yield from _graphs(before, after)


def _platform(before: Plan, after: Plan) -> Iterator[str]:
    if before.platform != after.platform and after.platform_namespace:
        yield (
            f"platform: operator {after.platform} replaces {before.platform}: both replicas stop before the new ones "
            "start; meanwhile graphs serve but cannot be changed; whether the new operator restarts workers is unknown"
        )


def _rdma(before: Plan, after: Plan) -> Iterator[str]:
    if before.multi_networking != after.multi_networking and not after.cluster.existing:
        yield (
            f"RDMA: from {before.rdma} to {after.rdma} replaces the cluster, because multi-networking is fixed at "
            "cluster creation; everything on it is down"
        )
    elif _networks(before.rdma) != _networks(after.rdma) and before.gpu_pools:
        yield f"RDMA: from {before.rdma} to {after.rdma} replaces the GPU pools; everything on them is down"


def _capacity(before: Plan, after: Plan) -> Iterator[str]:
    if not before.creates_gpu_pools:
        return
    if not after.creates_gpu_pools:
        yield "capacity: no GPU nodes are bought, so the GPU pools are deleted; everything on them is down"
        return
    old, new = _ways_to_buy(before), _ways_to_buy(after)
    changed = [name for name in old if name in new and old[name] != new[name]]
    if changed and len(changed) == len(old):
        yield "capacity: nodes are bought differently, so the GPU pools are replaced; everything on them is down"
    else:
        for name in sorted(changed):
            yield f"pool {name}: nodes are bought differently, so it is replaced; everything on it is down"


def _graphs(before: Plan, after: Plan) -> Iterator[str]:
    old = {graph.name: graph for graph in before.graphs}
    new = {graph.name: graph for graph in after.graphs}
    emptied = _moved(before, after) or before.multi_networking != after.multi_networking
    for name in sorted({*old, *new}):
        if name not in new:
            yield f"{name}: deleted with its {old[name].gpus} GPUs"
        elif name not in old:
            yield f"{name}: new, restarts nothing; {_load(new[name])}"
        else:
            yield from _graph(old[name], new[name], "" if emptied else lock_out.of_plans(name, before, after))


def _networks(rdma: RdmaMode) -> tuple[bool, str | None]:
    """The source of the networks of a pool's NICs, which is fixed when the pool is created."""
    return rdma.own_networks, rdma.accelerator_network_profile


def _ways_to_buy(plan: Plan) -> dict[str, NodePurchase]:
    """By pool: how its nodes are bought, without their number."""
    return {pool.name: replace(pool.purchase, min_nodes=0, max_nodes=0) for pool in plan.gpu_pools if pool.purchase}


def _skipped(before: Plan, after: Plan) -> Iterator[str]:
    """Changes of versions that skip a minor version, up or down."""
    runtimes = [{graph.runtime for graph in plan.graphs} for plan in (before, after)]
    pairs = [("platform", {before.platform}, {after.platform}), ("runtime", *runtimes)]
    for part, old, new in pairs:
        for was, becomes in ((was, becomes) for was in sorted(old) for becomes in sorted(new)):
            if why := version_steps.skipped(part, was, becomes):
                yield why


def _pools(before: Plan, after: Plan) -> Iterator[str]:
    """GPU pools that are created, deleted, replaced or resized; nothing if the stack no longer buys any."""
    old, new = _bought(before), _bought(after)
    if not new:
        return
    for name in sorted({*old, *new}):
        if name not in old:
            yield f"pool {name}: created, {_nodes(new[name])} × {new[name].machine.name}"
        elif name not in new:
            yield f"pool {name}: deleted, releases {_nodes(old[name])} × {old[name].machine.name}"
        elif old[name].machine != new[name].machine:
            change = f"from {old[name].machine.name} to {new[name].machine.name}"
            yield f"pool {name}: replaced, {change}; everything on it is down"
        elif _nodes(old[name]) != _nodes(new[name]):
            yield f"pool {name}: {_nodes(new[name])} nodes, was {_nodes(old[name])}"
    created = sum(new[name].nodes for name in new.keys() - old.keys())
    deleted = sum(old[name].nodes for name in old.keys() - new.keys())
    if created and deleted:
        yield (
            f"pools: new pools are created before old ones are deleted, so {created} nodes must be available in "
            f"addition to the {deleted} old ones; if they are not, delete the old pools' deployment first"
        )


def _bought(plan: Plan) -> dict[str, Pool]:
    return {pool.name: pool for pool in plan.gpu_pools} if plan.creates_gpu_pools else {}


def _nodes(pool: Pool) -> str:
    return f"{pool.nodes}" if pool.nodes == pool.max_nodes else f"{pool.nodes} to {pool.max_nodes}"


def _moved(before: Plan, after: Plan) -> str:
    """The largest loss by a move of the stack; empty if the stack does not move."""
    old, new = before.cluster.identifier, after.cluster.identifier
    if old != new:
        return (
            f"place: from {old} to {new}: everything of the stack in the old cluster is deleted, the cluster too if "
            "the stack created it; nothing serves until everything exists again"
        )
    was, becomes = before.ranges, after.ranges
    moved = (was.nodes, was.pods, was.services) != (becomes.nodes, becomes.pods, becomes.services)
    if before.network != after.network or moved:
        return "network: fixed at cluster creation, so the cluster is replaced; nothing serves meanwhile"
    if not before.creates_gpu_pools:
        return ""
    if before.zone != after.zone and not before.creates_nic_networks:
        return (
            f"zone: from {before.zone} to {after.zone}: the GPU pools' nodes are released and new ones created; "
            "everything on them is down"
        )
    nics_moved = (was.second_gvnic, was.rdma) != (becomes.second_gvnic, becomes.rdma)
    if before.creates_nic_networks and (before.zone != after.zone or nics_moved):
        return (
            "network: the zone and the ranges of RDMA networks are fixed, so these are replaced with the GPU pools; "
            "everything on them is down"
        )
    return ""


def _graph(before: Graph, after: Graph, stuck: str) -> Iterator[str]:
    """Restarts of one graph. `stuck`: why its update never finishes, empty if it does."""
    if before.served_name != after.served_name:
        yield (
            f"{after.name}: clients must send {after.served_name} as `model`; {before.served_name} returns 404; "
            f"to keep the name set models.{after.name}.servedName: {before.served_name}"
        )
    if before.engine != after.engine:
        yield _engine(before, after)
    if _built(before).fixed != _built(after).fixed:
        drain = "" if before.runs.simulated else f"; {_drain(before)}"
        yield (
            f"{after.name}: the graph is deleted and created again, because the operator accepts no other engine or "
            f"components, and does not serve until new workers of every role are ready{drain}; {_load(after)}"
        )
        return
    old, new = _components(before), _components(after)
    workers = [c.name for c in (*old.values(), *new.values()) if c.type != "frontend"]
    changes = {name: _changes(old.get(name), new.get(name)) for name in dict.fromkeys(workers)}
    if any(changes.values()):
        what = "; ".join(f"{name} {words}" for name, words in changes.items() if words)
        how = stuck or _down(before, after)
        yield f"{after.name}: all workers restart, because a pod template changes ({what}): {how}"
    if words := _changes(old["frontend"], new["frontend"]):
        yield f"{after.name}: the frontend's pods restart ({words}); no model is loaded"
    for name in sorted(old.keys() & new.keys()):
        restarts = any(changes.values()) if name in changes else bool(_changes(old[name], new[name]))
        yield from _counts(after, old[name], new[name], restarts=restarts)


def _engine(before: Graph, after: Graph) -> str:
    """Changes by another engine, apart from the pods of its workers."""
    old, new = before.runs, after.runs
    blocks = f", in blocks of {new.block_size} tokens instead of {old.block_size}" * (old.block_size != new.block_size)
    return (
        f"{after.name}: {new.title} replaces {old.title}: each node pulls {new.image}; the router knows no prefixes "
        f"until the new workers report theirs{blocks}; verification runs again, {_evidence(after)}; "
        f"{_readers(before, after)}"
    )


def _evidence(graph: Graph) -> str:
    """How the verification judges a graph's engine."""
    if graph.verification.transfer:
        return f"by the counters of {graph.runs.title}"
    return "by answers only" + (f", as {graph.runs.title} counts no transfers of KV cache" if graph.kv_transfer else "")


def _readers(before: Graph, after: Graph) -> str:
    """What reads the metrics of a graph's new engine."""
    metrics, title = after.runs.metrics, after.runs.title
    scaled = any(worker.autoscaled for worker in (*before.workers, *after.workers))
    readers = {
        "dashboard": metrics.kv_cache_use or metrics.queue or metrics.transfer,
        "alerts": metrics.transfer and after.kv_transfer,
        "autoscalers": scaled,
    }
    reading = [name for name, reads in readers.items() if reads]
    if not reading:
        return f"dashboard and alerts have no metrics of {title}"
    verb = "reads" if reading == ["dashboard"] else "read"
    return f"{', '.join(reading[:-1])}{' and ' if reading[1:] else ''}{reading[-1]} {verb} its metrics"


def _counts(graph: Graph, before: Component, after: Component, *, restarts: bool) -> Iterator[str]:
    """Changes of a component's replicas, which are None if an autoscaler sets them.

    `restarts`: whether the same update restarts its pods anyway.
    """
    was, becomes = before.replicas, after.replicas
    if was is not None and becomes is not None and was != becomes:
        alone = "" if restarts else ", which restarts nothing"
        yield f"{graph.name}: {after.name} goes from {was} to {becomes} replicas{alone}"
    elif was is not None and becomes is None and was != 1:
        yield (
            f"{graph.name}: {after.name} has {was} replicas, but the operator starts autoscaling only from one: first "
            f"set models.{graph.name}.{after.name}.replicas to 1 and update, then set the range"
        )
    elif was is None and becomes is not None:
        yield (
            f"{graph.name}: {after.name} loses its autoscaler; the operator owns its number of replicas, and an update "
            f"to another number ends in a conflict: first delete the autoscaler and run `kubectl scale dgdsa "
            f"{names.scaling_adapter(graph.name, after.name)} -n {graph.namespace} --replicas={becomes}`"
        )


def _built(graph: Graph) -> DynamoGraphDeployment:
    return graph_builder.build(graph, labels={})


def _components(graph: Graph) -> dict[str, Component]:
    return {component.name: component for component in _built(graph).spec.components}


def _changes(before: Component | None, after: Component | None) -> str:
    """Changes in the pods of a component, in a few words; empty if there are none."""
    if before is None:
        return "new"
    if after is None:
        return "removed"
    was, becomes = before.pod_template.spec, after.pod_template.spec
    fields = [*_differing(was.containers[0], becomes.containers[0]), *_differing(was, becomes)]
    if before.shared_memory_size != after.shared_memory_size:
        fields.append("sharedMemorySize")
    if before.pod_template.metadata != after.pod_template.metadata:
        fields.append("annotations")
    return ", ".join(field for field in fields if field != "containers")


def _differing(before: Frozen, after: Frozen) -> list[str]:
    was, becomes = before.to_wire(), after.to_wire()
    return [name for name in {**was, **becomes} if was.get(name) != becomes.get(name)]


def _down(before: Graph, after: Graph) -> str:
    """How many engines are down at a time, by the annotations of `manifests.graph`, and for how long."""
    if after.runs.simulated:
        return _load(after)
    if after.recreates:
        return (
            "all engines stop, then the new ones start (updateStrategy recreate), so the graph does not serve until "
            f"new workers of every role have loaded the model; {_drain(before)}; {_load(after)}"
        )
    down = " and ".join(f"{worker.role} 1 of {worker.replicas}" for worker in after.workers)
    alone = any(worker.replicas == 1 for worker in after.workers)
    outage = ", so the graph does not serve until new workers of every role have loaded the model" if alone else ""
    steps = max(worker.replicas for worker in after.workers)
    times = f", {steps} times in sequence" if steps > 1 else ""
    return (
        f"{down} down at a time, without a surge engine (max-surge 0, max-unavailable 1){outage}; "
        f"{_drain(before)}; {_load(after)}{times}"
    )


def _drain(before: Graph) -> str:
    """How long old engines drain: a fixed time, with or without requests."""
    seconds = " and ".join(f"{worker.role} {worker.drain_seconds} s" for worker in before.workers)
    return f"each old engine drains first ({seconds}, drainSeconds)"


def _load(graph: Graph) -> str:
    if graph.runs.simulated:
        return "no model is loaded"
    weights = sizing.weights_bytes(graph.card)
    minutes = weights / READ_BYTES_PER_SECOND / 60
    return (
        f"loading {weights / sizing.GIB:.0f} GiB of weights takes about {minutes:.1f} min per engine, an ESTIMATE at "
        f"an assumed {READ_BYTES_PER_SECOND / 1e9:.0f} GB/s, plus compilation and warm-up"
    )
