"""Updates of a graph that never finish, because old engines hold the GPUs that new ones need. Pure.

The arithmetic of the operator's rollout (its source, 1.5 to 1.7), from graphs as sent and the GPUs of the pools.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.machines import GPU_RESOURCE
from manifests import graph as graph_builder
from manifests import labels
from ops.changes.graphs import Graph, fixed, restarts, workers
from ops.changes.pool_size import size
from ops.changes.previewed import Registered
from ops.changes.sides import Sides, planned_nodes
from ops.changes.values import at
from planning.types import Plan
from policies.kinds import GRAPH, NODE_POOL

_MACHINE = "nodeConfig.machineType"


@dataclass(frozen=True, kw_only=True)
class _Role:
    """One role of a graph during its update."""

    name: str
    old: int
    """Old engines that run."""
    old_gpus: int
    """GPUs of each."""
    old_pool: str
    new: int = 0
    """New engines that run."""
    wanted: int
    gpus: int
    """GPUs of each new engine."""
    pool: str
    kept: int
    """Engines, old and new together, of which the operator stops none."""

    @property
    def done(self) -> bool:
        return not self.old and self.new == self.wanted

    def with_new(self, new: int) -> "_Role":
        """The role with this many new engines, after which old ones leave that need not stay."""
        return replace(self, new=new, old=max(min(self.old, self.kept - new), 0))

    def held(self, pool: str) -> int:
        """GPUs of a pool that the role's engines hold."""
        old = self.old * self.old_gpus if self.old_pool == pool else 0
        return old + (self.new * self.gpus if self.pool == pool else 0)


def locked_out(name: str, before: Sequence[Graph], after: Sequence[Graph], pools: Mapping[str, int]) -> str:
    """Why the update of a graph never finishes, and what to do; empty if it finishes, or no worker restarts.

    `pools`: name → GPUs of all nodes that the pool may have. Engines that are bound to none of them are not judged, so
    leave out a pool whose machine changes: old engines find no node there.
    """
    old, new = ({_name(graph): graph for graph in graphs} for graphs in (before, after))
    if name not in old or name not in new or not _rolls(old[name], new[name]):
        return ""
    roles = [*_roles(old[name], new[name], pools)]
    free = {pool: gpus - _held({**old, **new}, name, pool) for pool, gpus in pools.items()}
    ends = [*_ends(roles, free)]
    stuck = [end for end in ends if not _done(end)]
    if not stuck:
        return ""
    ended = stuck[0]
    head = (
        "THE UPDATE NEVER FINISHES"
        if len(stuck) == len(ends)
        else "THE UPDATE MAY NEVER FINISH, which depends on the engine that starts first"
    )
    why = "; ".join(_why(role, _left(role.pool, ended, free)) for role in ended if not role.done)
    if not all(role.old for role in ended) and not all(role.new for role in ended):
        why += "; meanwhile neither generation has an engine of every role, so the graph does not serve"
    if _finishes([replace(role, kept=0) for role in roles], free):
        return f"{head}: {why}; {_advice(name, roles)}"
    # Pulumi deletes a graph that is gone only after the update.
    gone = f"first delete {' and '.join(sorted(old.keys() - new.keys()))} in an update of its own"
    free = {pool: gpus - _held(new, name, pool) for pool, gpus in pools.items()}
    then = "" if _finishes(roles, free) else f"; then {_advice(name, roles)}"
    return f"{head}: {why}; {gone}{then}"


def _rolls(old: Graph, new: Graph) -> bool:
    """Whether new workers replace old ones in the same graph."""
    return fixed(old) == fixed(new) and restarts(old, new)


def of_plans(name: str, before: Plan, after: Plan) -> str:
    """`locked_out` for a graph of two plans."""
    old, new = ([graph_builder.build(graph, labels={}).to_wire() for graph in plan.graphs] for plan in (before, after))
    machines = {pool.name: pool.machine for pool in before.gpu_pools}
    pools = {
        pool.name: pool.max_nodes * pool.machine.gpus.count
        for pool in after.gpu_pools
        if machines.get(pool.name) == pool.machine
    }
    return locked_out(name, old, new, pools)


def of_previews(graph: Registered, sides: Sides) -> str:
    """`locked_out` for a graph of two previews."""
    before, after = ([of.inputs for of in side.resources if of.type == GRAPH] for side in (sides.before, sides.after))
    pools = {
        str(new.physical_name): gpus * size(new.inputs, planned_nodes(sides.after, new.inputs)).maximum
        for old, new in sides.pairs
        if new.type == NODE_POOL
        and at(old.inputs, _MACHINE) == at(new.inputs, _MACHINE)
        and (gpus := _gpus_of_node(new.inputs))
    }
    return locked_out(str(graph.physical_name), before, after, pools)


def _done(roles: Sequence[_Role]) -> bool:
    return all(role.done for role in roles)


def _finishes(roles: Sequence[_Role], free: Mapping[str, int]) -> bool:
    return all(_done(end) for end in _ends(roles, free))


def _ends(roles: Sequence[_Role], free: Mapping[str, int]) -> Iterator[tuple[_Role, ...]]:
    """Every state in which nothing changes any more, whichever engine starts first.

    `free`: GPUs of each pool that no other graph holds.
    """
    stages = [[role.with_new(count) for count in range(role.wanted + 1)] for role in roles]
    open_states = [(0,) * len(roles)]
    seen = {*open_states}
    while open_states:  # each has one more new engine than the one before
        state = open_states.pop()
        now = tuple(stages[place][count] for place, count in enumerate(state))
        following = [
            (*state[:place], role.new + 1, *state[place + 1 :])
            for place, role in enumerate(now)
            if role.old + role.new < role.wanted and role.gpus <= _left(role.pool, now, free)
        ]
        if not following:
            yield now
        open_states += [each for each in following if each not in seen]
        seen.update(following)


def _left(pool: str, roles: Sequence[_Role], free: Mapping[str, int]) -> int:
    return free[pool] - sum(role.held(pool) for role in roles)


def _roles(old: Graph, new: Graph, pools: Collection[str]) -> Iterator[_Role]:
    was = {worker["name"]: worker for worker in workers(old)}
    for worker in (each for each in workers(new) if _pool(each) in pools):
        former = was[worker["name"]]
        # An autoscaler has its own number, which the update keeps and nobody knows here.
        running, wanted = former.get("replicas", 1), worker.get("replicas", 1)
        yield _Role(
            name=worker["name"],
            old=running,
            old_gpus=_gpus(former),
            old_pool=_pool(former),
            wanted=wanted,
            gpus=_gpus(worker),
            pool=_pool(worker),
            kept=wanted - _may_be_down(worker, wanted),
        )


def _held(graphs: Mapping[str, Graph], name: str, pool: str) -> int:
    """GPUs of a pool that graphs other than `name` hold."""
    return sum(
        worker.get("replicas", 1) * _gpus(worker)
        for other, graph in graphs.items()
        for worker in workers(graph)
        if other != name and _pool(worker) == pool
    )


def _why(role: _Role, left: int) -> str:
    room = f"pool {role.pool} has {max(left, 0)} GPUs left for a new one of {role.gpus}"
    if not role.old:
        return f"{role.name} starts {role.new} of {role.wanted} new engines, and {room}"
    needed = role.kept - role.old + 1
    until = f"{needed} new ones run" if needed > 1 else "a new one runs"
    kept = f"{role.old} old engine{'s' * (role.old > 1)} of {role.old_gpus} GPUs"
    return f"{role.name} keeps {kept} until {until}, and {room}"


def _advice(name: str, roles: Sequence[_Role]) -> str:
    """What to do where the update finishes once all old engines have stopped."""
    as_before = ", ".join(
        f"models.{name}.{role.name}: {{replicas: {role.old}, tensorParallel: {role.old_gpus}}}"
        for role in roles
        if (role.old, role.old_gpus) != (role.wanted, role.gpus)
    )
    return (
        f"run `pulumi config set --path 'dynamo-gke:models.{name}.updateStrategy' recreate` before the update: all "
        "old engines stop first, and the graph does not serve until the new ones have loaded the model"
        + (f"; or keep the engines as they are: {as_before}" if as_before else "")
    )


def _name(graph: Graph) -> str:
    return str(graph["metadata"]["name"])


def _gpus_of_node(pool: Mapping[str, Any]) -> int:
    accelerators: Sequence[Mapping[str, Any]] = (pool.get("nodeConfig") or {}).get("guestAccelerators") or ()
    return sum(int(each["count"]) for each in accelerators)


def _gpus(worker: Mapping[str, Any]) -> int:
    limits = worker["podTemplate"]["spec"]["containers"][0].get("resources", {}).get("limits", {})
    return int(limits.get(GPU_RESOURCE, 0))


def _pool(worker: Mapping[str, Any]) -> str:
    return str(worker["podTemplate"]["spec"].get("nodeSelector", {}).get(labels.NODE_POOL, ""))


def _may_be_down(worker: Mapping[str, Any], wanted: int) -> int:
    """Engines that the operator may stop at a time; it rounds shares down."""
    given = str(worker["podTemplate"]["metadata"]["annotations"][graph_builder.MAX_UNAVAILABLE])
    return wanted * int(given.removesuffix("%")) // 100 if given.endswith("%") else int(given)
