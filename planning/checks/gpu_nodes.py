"""Checks the number of GPU nodes of the deployments, and how engines share them."""

from collections.abc import Iterator

from planning.resolve import ResolvedStack
from reading.errors import Error, Fix


def errors(stack: ResolvedStack) -> Iterator[Error]:
    allowed = stack.settings.capacity and stack.settings.capacity.max_nodes
    wanted = stack.max_gpu_nodes
    if allowed and wanted > allowed:
        parts = " + ".join(f"{pool.key} {pool.max_nodes}" for pool in stack.gpu_pools)
        yield Error(
            "capacity.maxNodes",
            f"{allowed} is less than the {wanted} GPU nodes that the graphs may request ({parts})",
            (
                Fix(
                    f"set capacity.maxNodes to {wanted}, or lower replicas or autoscaling",
                    {"capacity.maxNodes": wanted},
                ),
            ),
        )


def warnings(stack: ResolvedStack) -> Iterator[str]:
    yield from _idle(stack)
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
                "small ones may leave no whole node free for a large one"
            )


def _idle(stack: ResolvedStack) -> Iterator[str]:
    """Warnings about pools whose nodes have more GPUs than the engines use."""
    for pool in stack.own_gpu_pools:
        used = sum(
            role.replicas * role.tensor_parallel
            for deployment in stack.deployments
            for role in deployment.roles.values()
            if role.pool == pool.key
        )
        if idle := pool.gpus - used:
            yield (
                f"pool {pool.name}: engines use {used} of the {pool.gpus} GPUs of {pool.nodes} × {pool.machine.name}; "
                f"{idle} {'is' if idle == 1 else 'are'} paid and idle; raise replicas or tensorParallel, or choose a "
                "smaller machine"
            )
