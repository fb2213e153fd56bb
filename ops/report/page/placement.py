"""Engines on the nodes of a pool: one arrangement that fits. The scheduler of the cluster may choose another. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from string import ascii_lowercase

from catalog.contracts import Role
from catalog.models import Placement
from planning.pools import packed
from planning.types import Graph, WorkerPool

LETTERS = {Role.PREFILL: "P", Role.DECODE: "D", Role.WORKER: "W"}
"""Role → letter on a GPU, for readers who cannot tell colors apart."""

# A pool draws this many nodes of one arrangement, and counts the others.
_MAX_DRAWN = 2


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One engine on GPUs of a node."""

    graph: str
    deployment: int
    """Position of the graph in the stack, from 1: the number of its color."""
    role: Role
    gpus: int

    @property
    def letter(self) -> str:
        return LETTERS[self.role]


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """Nodes of a pool with the same engines."""

    first: int
    """Number of the first one in its pool, from 1."""
    count: int
    engines: tuple[Engine, ...]
    free: int
    """GPUs without an engine, per node."""

    @property
    def drawn(self) -> range:
        """Numbers of the nodes to draw; all but two of many identical nodes are only counted."""
        return range(self.first, self.first + (self.count if self.count <= _MAX_DRAWN + 1 else _MAX_DRAWN))

    @property
    def gpus(self) -> int:
        """GPUs of a node."""
        return _gpus(self.engines) + self.free

    @property
    def groups(self) -> list[tuple[Engine, int]]:
        """The engines of a node, each followed by how many equal ones are side by side."""
        return [(engine, len(list(same))) for engine, same in groupby(self.engines)]

    @property
    def hidden(self) -> int:
        return self.count - len(self.drawn)


def arranged(pool: WorkerPool, graphs: Sequence[Graph]) -> tuple[Nodes, ...]:
    """The nodes of a pool with their engines, packed as the plan counts nodes."""
    size = pool.machine.gpus.count
    nodes = [tuple(chain.from_iterable(node)) for node in packed(_demands(pool, graphs), _gpus, size)]
    nodes += [()] * (pool.nodes - len(nodes))
    found: list[Nodes] = []
    for engines, same in groupby(nodes):
        count = len(list(same))
        first = sum(group.count for group in found) + 1
        found.append(Nodes(first=first, count=count, engines=engines, free=size - _gpus(engines)))
    return tuple(found)


def _demands(pool: WorkerPool, graphs: Sequence[Graph]) -> Iterable[list[Engine]]:
    """Engines that must share a node, one list for each node's worth."""
    for number, graph in enumerate(graphs, 1):
        here = [
            Engine(graph=graph.name, deployment=number, role=worker.role, gpus=worker.tensor_parallel)
            for worker in graph.workers
            if worker.machine and worker.pool == pool.key
            for _ in range(worker.replicas)
        ]
        if here and graph.placement is Placement.SHARED:
            yield here
        else:
            yield from ([engine] for engine in here)


def _gpus(engines: Iterable[Engine]) -> int:
    return sum(engine.gpus for engine in engines)


def mark(number: int) -> str:
    """Letters of the deployment at a position from 1: a to z, then aa, ab and so on."""
    before, last = divmod(number - 1, len(ascii_lowercase))
    return (mark(before) if before else "") + ascii_lowercase[last]
