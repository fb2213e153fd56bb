"""Counts the GPU nodes that the engines of all graphs need, per pool."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from catalog.contracts import Role
from catalog.models import Placement

SYSTEM_POOL = "system"

Demand = TypeVar("Demand")


@dataclass(frozen=True, kw_only=True)
class NodeUpgrade:
    """How GKE upgrades the nodes of a pool."""

    max_surge: int
    """Nodes that may exist in addition."""
    max_unavailable: int


# CPU nodes one at a time, with one more node meanwhile. For GPU nodes there is no spare capacity.
SYSTEM_UPGRADE = NodeUpgrade(max_surge=1, max_unavailable=0)
GPU_UPGRADE = NodeUpgrade(max_surge=0, max_unavailable=1)


@dataclass(frozen=True, kw_only=True)
class Engines:
    """The GPU engines of one role of a graph."""

    graph: str
    pool: str
    gpus_per_engine: int
    node_gpus: int
    """GPUs of a node of the pool."""
    replicas: int
    max_replicas: int
    """Max number of engines; more than `replicas` if an autoscaler may add engines."""
    with_their_graph: bool
    """Whether all engines of the graph must run on one node, inside which they move KV cache."""


@dataclass(frozen=True, kw_only=True)
class NodeCount:
    """Node count of one pool: for the current engines, and with all engines that autoscalers may add."""

    nodes: int
    max_nodes: int


def pool_key(placement: Placement, role: Role, *differs: str) -> str:
    """The stack's name of a pool. `differs`: words that distinguish its nodes from those of the stack's other pools."""
    match placement:
        case Placement.CPU:
            return SYSTEM_POOL
        case Placement.SHARED:
            return "-".join(["shared", *differs])
        case Placement.PER_ROLE:
            return "-".join([role.value, *differs])


def node_counts(engines: Iterable[Engines]) -> dict[str, NodeCount]:
    """Pool → node count, for every pool with engines."""
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
    """GPU demands that must each fit on one node: of an engine, or of all engines of a graph on one node."""
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
    """Number of nodes for the demands, each of which must fit on one node."""
    return len(packed(demands, lambda gpus: gpus, capacity))


def packed(demands: Iterable[Demand], gpus: Callable[[Demand], int], capacity: int) -> list[list[Demand]]:
    """The demands of each node, by first-fit decreasing bin packing."""
    nodes: list[list[Demand]] = []
    free: list[int] = []
    for demand in sorted(demands, key=gpus, reverse=True):
        size = gpus(demand)
        fitting = next((node for node, room in enumerate(free) if room >= size), len(nodes))
        if fitting == len(nodes):
            nodes.append([])
            free.append(capacity)
        nodes[fitting].append(demand)
        free[fitting] -= size
    return nodes
