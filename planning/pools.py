"""How many GPU nodes the engines of all graphs need, pool by pool."""

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.contracts import Role
from catalog.models import Placement

SYSTEM_POOL = "system"


@dataclass(frozen=True, kw_only=True)
class Engines:
    """The engines of one role of a graph that run on GPUs."""

    graph: str
    pool: str
    gpus_per_engine: int
    node_gpus: int
    """GPUs of a node of the pool."""
    replicas: int
    max_replicas: int
    """As `replicas`, or more if an autoscaler may add some."""
    with_their_graph: bool
    """Whether all engines of the graph must lie on one node, since they hand KV cache over inside it."""


@dataclass(frozen=True, kw_only=True)
class NodeCount:
    """Node count of one pool: for the current engines, and with all engines that autoscalers may add."""

    nodes: int
    max_nodes: int


def pool_key(placement: Placement, role: Role, *differs: str) -> str:
    """What the stack calls a pool. `differs` is what tells its nodes from those of the stack's other pools."""
    match placement:
        case Placement.CPU:
            return SYSTEM_POOL
        case Placement.SHARED:
            return "-".join(["shared", *differs])
        case Placement.PER_ROLE:
            return "-".join([role.value, *differs])


def node_counts(engines: Iterable[Engines]) -> dict[str, NodeCount]:
    """The node count of every pool that has engines, by the pool's name."""
    all_engines = list(engines)
    counts: dict[str, NodeCount] = {}
    for pool in sorted({engine.pool for engine in all_engines}):
        here = [engine for engine in all_engines if engine.pool == pool]
        counts[pool] = NodeCount(
            nodes=nodes_for(_demands(here, scaled_up=False), here[0].node_gpus),
            max_nodes=nodes_for(_demands(here, scaled_up=True), here[0].node_gpus),
        )
    return counts


def _demands(engines: list[Engines], *, scaled_up: bool) -> list[int]:
    """GPU demands that must each fit on one node: an engine, or all engines of a graph that keeps them together."""
    single: list[int] = []
    together: dict[str, int] = {}
    for engine in engines:
        count = engine.max_replicas if scaled_up else engine.replicas
        if engine.with_their_graph:
            together[engine.graph] = together.get(engine.graph, 0) + count * engine.gpus_per_engine
        else:
            single += [engine.gpus_per_engine] * count
    return [*single, *together.values()]


def nodes_for(demands: list[int], capacity: int) -> int:
    """Nodes that hold the demands (GPUs that must be on one node), by first-fit decreasing bin packing."""
    free: list[int] = []
    for size in sorted(demands, reverse=True):
        fitting = next((i for i, room in enumerate(free) if room >= size), None)
        if fitting is None:
            free.append(capacity - size)
        else:
            free[fitting] -= size
    return len(free)
