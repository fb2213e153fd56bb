"""How many GPU nodes the deployments may ask for, and how their engines share them."""

from collections.abc import Iterator

from planning.resolve import ResolvedStack
from reading.errors import Error, Way


def errors(stack: ResolvedStack) -> Iterator[Error]:
    allowed = stack.settings.capacity and stack.settings.capacity.max_nodes
    most = stack.max_gpu_nodes
    if allowed and most > allowed:
        parts = " + ".join(f"{pool.key} {pool.most_nodes}" for pool in stack.gpu_pools)
        yield Error(
            "capacity.maxNodes",
            f"{allowed} is fewer than the {most} GPU nodes that the graphs may ask for ({parts})",
            (
                Way(
                    f"set capacity.maxNodes to {most}, or lower replicas or autoscaling",
                    {"capacity.maxNodes": most},
                ),
            ),
        )


def warnings(stack: ResolvedStack) -> Iterator[str]:
    for pool in stack.own_gpu_pools:
        sizes = {
            role.tensor_parallel
            for deployment in stack.deployments
            for role in deployment.roles.values()
            if role.pool == pool.key
        }
        if pool.nodes > 1 and len(sizes) > 1:
            yield (
                f"pool {pool.name}: engines of {' and '.join(map(str, sorted(sizes)))} GPUs share {pool.nodes} nodes; "
                "spread badly, a large one may find no whole node free"
            )
