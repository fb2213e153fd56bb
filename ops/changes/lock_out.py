"""Updates of a graph that cannot finish, because old engines hold the GPUs that the new ones need. Pure."""

from collections.abc import Iterator

from manifests.graph import ROLLOUT
from planning.types import Graph, Plan

_MAY_BE_DOWN = int(ROLLOUT["nvidia.com/deployment-rolling-update-max-unavailable"])


def locked_out(after: Plan, old: Graph, new: Graph) -> Iterator[str]:
    """A sentence for each role of which no new engine ever fits.

    The operator keeps old engines until enough new ones are ready: of the new number, all but those that may be down
    (calculated in its rollout, 1.5). Fewer, larger engines then never leave for many small ones.
    """
    kept = {worker.role: min(worker.replicas, _needed(new, worker.role)) for worker in old.workers}
    sizes = {pool.name: pool.max_nodes * pool.machine.gpus.count for pool in after.gpu_pools}
    for worker in new.workers:
        was = next((each for each in old.workers if each.role == worker.role), None)
        if not was or not kept[was.role] or was.pool != worker.pool or worker.pool not in sizes:
            continue
        held = sum(kept[each.role] * each.tensor_parallel for each in old.workers if each.pool == worker.pool)
        free = sizes[worker.pool] - held
        if free < worker.tensor_parallel:
            yield (
                f"{new.name}: THE UPDATE NEVER FINISHES: {worker.role} keeps {kept[was.role]} old engine"
                f"{'s' * (kept[was.role] > 1)} of {was.tensor_parallel} GPUs until a new one is ready, and pool "
                f"{worker.pool} has {max(free, 0)} GPUs left for a new one of {worker.tensor_parallel}; keep the "
                f"engines as they are: models.{new.name}.{worker.role}: {{replicas: {was.replicas}, "
                f"tensorParallel: {was.tensor_parallel}}}"
            )


def _needed(graph: Graph, role: object) -> int:
    """Engines of a role that must stay while none of the new ones is ready."""
    return sum(max(0, worker.replicas - _MAY_BE_DOWN) for worker in graph.workers if worker.role == role)
