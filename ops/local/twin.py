"""The simulated twin of a graph: the same roles, replicas and router, on an engine that computes nothing."""

from dataclasses import replace

from catalog.contracts import NO_NICS
from catalog.engines import Engine
from catalog.models import Placement
from planning.pools import SYSTEM_POOL
from planning.types import Graph


def simulated_twin(graph: Graph, engine: Engine) -> tuple[Graph, tuple[str, ...]]:
    """The twin on a simulated engine, and one sentence per change. A graph of that engine is its own twin."""
    if graph.engine == engine.name:
        return graph, ()
    workers = tuple(
        replace(worker, pool=SYSTEM_POOL, tensor_parallel=1, memory=None, nics=NO_NICS, extra_args=())
        for worker in graph.workers
    )
    twin = replace(
        graph,
        engine=engine.name,
        placement=Placement.CPU,
        reads_bucket=False,
        layout="simulated",
        kv_transfer=None,
        workers=workers,
    )
    sizes = ", ".join(f"{worker.role.value} over {worker.tensor_parallel} GPUs" for worker in graph.workers)
    extra = dict.fromkeys(" ".join(worker.extra_args) for worker in graph.workers if worker.extra_args)
    omitted = (f"extraArgs are for {graph.engine}: without {words}" for words in extra)
    return twin, (
        *omitted,
        f"the engine is {engine.title} instead of {graph.engine}: it schedules and times, without a model",
        f"an engine is one process, not {sizes}; no KV cache moves, and there is no RDMA",
    )
