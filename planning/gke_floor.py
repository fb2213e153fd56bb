"""The min GKE version of a plan, which its machines, capacity modes and RDMA mode need."""

from collections.abc import Iterator

from catalog.capacity import capacity_mode
from catalog.gke_versions import Floor, highest, parsed
from planning.types import Plan


def gke_floor(plan: Plan) -> Floor | None:
    """The highest min version of all features of the plan; None if every version has them."""
    modes = [capacity_mode(purchase.mode) for purchase in plan.purchases]
    return highest([plan.rdma.min_gke, *(mode.min_gke for mode in modes), *_of_machines(plan)])


def _of_machines(plan: Plan) -> Iterator[Floor]:
    for pool in plan.gpu_pools:
        version = parsed(pool.machine.min_gke or "")
        if version and plan.creates_gpu_pools:
            yield Floor(version, pool.machine.name)
