"""What a change of the plan restarts: which graphs roll their workers, how many are down at a time, how long."""

from collections.abc import Iterator
from dataclasses import replace

from catalog import sizing, versions
from catalog.contracts import NodePurchase
from catalog.rdma import RdmaMode
from manifests import graph as graph_builder
from manifests.dgd import Component
from planning import names
from planning.first_token import READ_BYTES_PER_SECOND
from planning.types import Graph, Plan, Pool
from reading.frozen import Frozen


def rolls(before: Plan, after: Plan) -> list[str]:
    """What an update from one plan to the other restarts, one sentence each; none when nothing is restarted."""
    return list(_rolls(before, after))


def _rolls(before: Plan, after: Plan) -> Iterator[str]:
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
            f"platform: operator {before.platform} gives way to {after.platform}: both replicas are stopped before "
            "the next start, so graphs cannot be written meanwhile and go on serving; whether the new one restarts "
            "their workers is not known from here"
        )


def _rdma(before: Plan, after: Plan) -> Iterator[str]:
    if before.multi_networking != after.multi_networking and not after.cluster.existing:
        yield (
            f"RDMA: from {before.rdma} to {after.rdma} takes another cluster, since networks of its nodes are "
            "chosen when it is made: it is replaced, and all that runs on it is down"
        )
    elif _networks(before.rdma) != _networks(after.rdma) and before.gpu_pools:
        yield f"RDMA: from {before.rdma} to {after.rdma} replaces the GPU pools, and all that runs on them is down"


def _capacity(before: Plan, after: Plan) -> Iterator[str]:
    if _ways_to_buy(before) != _ways_to_buy(after) and before.creates_gpu_pools:
        done = "other nodes are bought, so the GPU pools are replaced"
        if not after.creates_gpu_pools:
            done = "no nodes are bought any more, so the GPU pools are deleted"
        yield f"capacity: {done}, and all that runs on them is down"


def _graphs(before: Plan, after: Plan) -> Iterator[str]:
    old = {graph.name: graph for graph in before.graphs}
    new = {graph.name: graph for graph in after.graphs}
    for name in sorted({*old, *new}):
        if name not in new:
            yield f"{name}: is taken away, {old[name].gpus} GPUs with it"
        elif name not in old:
            yield f"{name}: is new and rolls nothing; {_load(new[name])}"
        else:
            yield from _graph(old[name], new[name])


def _networks(rdma: RdmaMode) -> tuple[bool, str | None]:
    """Where the networks of a pool's NICs come from, which is chosen when the pool is created."""
    return rdma.own_networks, rdma.accelerator_network_profile


def _ways_to_buy(plan: Plan) -> set[NodePurchase]:
    """How nodes are bought, whatever their number."""
    return {replace(purchase, min_nodes=0, max_nodes=0) for purchase in plan.purchases}


def _skipped(before: Plan, after: Plan) -> Iterator[str]:
    """Upgrades over more than one minor version; NVIDIA supports them to the next one only."""
    runtimes = [{graph.runtime for graph in plan.graphs} for plan in (before, after)]
    pairs = [("platform", {before.platform}, {after.platform}), ("runtime", *runtimes)]
    for part, old, new in pairs:
        for was, becomes in ((was, becomes) for was in sorted(old) for becomes in sorted(new)):
            (major, number), later = versions.minor(was), versions.minor(becomes)
            if later > (major, number + 1):
                yield (
                    f"versions.{part}: from {was} to {becomes} skips versions, and NVIDIA supports upgrades to the "
                    f"next minor version only; set {major}.{number + 1}.0 first"
                )


def _pools(before: Plan, after: Plan) -> Iterator[str]:
    """GPU pools that are created, deleted or resized; nothing when the stack no longer buys any."""
    old, new = _bought(before), _bought(after)
    if not new:
        return
    for name in sorted({*old, *new}):
        if name not in old:
            yield f"pool {name}: is created, {_nodes(new[name])} × {new[name].machine.name}"
        elif name not in new:
            yield f"pool {name}: is deleted and releases {_nodes(old[name])} × {old[name].machine.name}"
        elif old[name].machine != new[name].machine:
            change = f"from {old[name].machine.name} to {new[name].machine.name}"
            yield f"pool {name}: {change} replaces it, and all that runs on it is down"
        elif _nodes(old[name]) != _nodes(new[name]):
            yield f"pool {name}: has {_nodes(new[name])} nodes, {_nodes(old[name])} before"
    created = sum(new[name].nodes for name in new.keys() - old.keys())
    deleted = sum(old[name].nodes for name in old.keys() - new.keys())
    if created and deleted:
        yield (
            f"pools: new ones are created before old ones are deleted, so {created} nodes must be available beside the "
            f"{deleted} that go; where they are not, delete the old pools' deployment first"
        )


def _bought(plan: Plan) -> dict[str, Pool]:
    return {pool.name: pool for pool in plan.gpu_pools} if plan.creates_gpu_pools else {}


def _nodes(pool: Pool) -> str:
    return f"{pool.nodes}" if pool.nodes == pool.max_nodes else f"{pool.nodes} to {pool.max_nodes}"


def _moved(before: Plan, after: Plan) -> str:
    """What goes with the old place, from most to least; empty where the stack stays where it is."""
    old, new = before.cluster.identifier, after.cluster.identifier
    if old != new:
        return (
            f"place: from {old} to {new}: what the stack has made in the old cluster goes, the cluster too if it was "
            "the stack's, and nothing serves until all is there anew"
        )
    was, becomes = before.ranges, after.ranges
    moved = (was.nodes, was.pods, was.services) != (becomes.nodes, becomes.pods, becomes.services)
    if before.network != after.network or moved:
        return "network: that of the cluster is chosen when it is made: it is replaced, and nothing serves meanwhile"
    nics_moved = (was.second_gvnic, was.rdma) != (becomes.second_gvnic, becomes.rdma)
    if before.creates_gpu_pools and (before.zone != after.zone or nics_moved):
        return (
            "network: RDMA networks belong to a zone and keep their ranges: they are replaced with the GPU pools, and "
            "all that runs on them is down"
        )
    return ""


def _graph(before: Graph, after: Graph) -> Iterator[str]:
    if before.served_name != after.served_name:
        yield (
            f"{after.name}: clients must send {after.served_name} as `model`, and get 404 for {before.served_name}; "
            f"models.{after.name}.servedName: {before.served_name} keeps the name"
        )
    old, new = _components(before), _components(after)
    workers = [c.name for c in (*old.values(), *new.values()) if c.type != "frontend"]
    changes = {name: _changes(old.get(name), new.get(name)) for name in dict.fromkeys(workers)}
    if any(changes.values()):
        what = "; ".join(f"{name} {words}" for name, words in changes.items() if words)
        yield f"{after.name}: all workers roll, since a worker's pod template changes ({what}): {_down(before, after)}"
    if words := _changes(old["frontend"], new["frontend"]):
        yield f"{after.name}: the frontend's pods are replaced ({words}), which loads no model"
    for name in sorted(old.keys() & new.keys()):
        yield from _counts(after, old[name], new[name])


def _counts(graph: Graph, before: Component, after: Component) -> Iterator[str]:
    """What happens to the number of a component's pods. Where an autoscaler owns it, the graph does not say it."""
    was, becomes = before.replicas, after.replicas
    if was is not None and becomes is not None and was != becomes:
        yield f"{graph.name}: {after.name} goes from {was} to {becomes} replicas, which by itself rolls nothing"
    elif was is not None and becomes is None and was != 1:
        yield (
            f"{graph.name}: {after.name} has {was} replicas, and the operator refuses to hand more than one over to an "
            f"autoscaler: first set models.{graph.name}.{after.name}.replicas to 1 and update, then give the range"
        )
    elif was is None and becomes is not None:
        yield (
            f"{graph.name}: {after.name} is taken from its autoscaler; the operator refuses a number other than the "
            f"one that runs: `kubectl scale dgdsa {names.scaling_adapter(graph.name, after.name)} -n {graph.namespace} "
            f"--replicas={becomes}` first, with the autoscaler deleted"
        )


def _components(graph: Graph) -> dict[str, Component]:
    return {component.name: component for component in graph_builder.build(graph, labels={}).spec.components}


def _changes(before: Component | None, after: Component | None) -> str:
    """What changes in the pods of a component, in a few words; nothing when they stay as they are."""
    if before is None:
        return "is new"
    if after is None:
        return "ends"
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
    """How many engines are down at a time, by the rollout that `manifests.graph.ROLLOUT` asks for, and for how long."""
    if after.runs.simulated:
        return _load(after)
    down = " and ".join(f"{worker.role} 1 of {worker.replicas}" for worker in after.workers)
    alone = any(worker.replicas == 1 for worker in after.workers)
    outage = ", so the graph does not serve until new workers of every role have loaded it" if alone else ""
    steps = max(worker.replicas for worker in after.workers)
    times = f", {steps} times one after the other" if steps > 1 else ""
    return (
        f"{down} are down at a time, none is started beforehand (max-surge 0, max-unavailable 1){outage}; "
        f"{_drain(before)}; {_load(after)}{times}"
    )


def _drain(before: Graph) -> str:
    """What the old engines take before they go: the time is fixed, whether they have requests or not."""
    seconds = " and ".join(f"{worker.role} {worker.drain_seconds} s" for worker in before.workers)
    return f"before that an old engine drains ({seconds}, drainSeconds)"


def _load(graph: Graph) -> str:
    if graph.runs.simulated:
        return "no model is loaded"
    weights = sizing.weights_bytes(graph.card)
    minutes = weights / READ_BYTES_PER_SECOND / 60
    return (
        f"loading {weights / sizing.GIB:.0f} GiB of weights takes about {minutes:.1f} min, an ESTIMATE at an assumed "
        f"{READ_BYTES_PER_SECOND / 1e9:.0f} GB/s for each engine, before compiling and warming up"
    )
