"""Checks of a stack with valid settings, with its errors and warnings. One file per topic.

Errors are contradictions to catalog, machine or engine. Warnings ask for a decision before costs begin, in a stack
without known errors. A topic has checks of the stack (`errors`, `warnings`) or of one deployment (`deployment_errors`,
`deployment_warnings`).
"""

from collections.abc import Callable, Iterator

from planning.checks import (
    capacity,
    cost,
    endpoint,
    engine_args,
    engine_choice,
    engine_memory,
    equal_sides,
    existing_cluster,
    existing_network,
    gpu_nodes,
    kv_transfer,
    location,
    machine_files,
    machines,
    model,
    names,
    number_formats,
    one_node,
    operations,
    ranges,
    rdma,
    renamed,
    role_machines,
    roles,
    secrets,
    tensor_parallel,
    verification,
    versions,
)
from planning.checks.names import name_collisions
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Error

__all__ = ["errors", "name_collisions", "warnings"]

_ERRORS: tuple[Callable[[ResolvedStack], Iterator[Error]], ...] = (
    secrets.errors,
    versions.errors,
    location.errors,
    capacity.errors,
    existing_cluster.errors,
    existing_network.errors,
    ranges.errors,
    gpu_nodes.errors,
    model.errors,
    machine_files.errors,
    machines.errors,
    location.machine_errors,
    role_machines.errors,
)

_DEPLOYMENT_ERRORS: tuple[Callable[[ResolvedStack, Deployment], Iterator[Error]], ...] = (
    roles.deployment_errors,
    machines.deployment_errors,
    number_formats.deployment_errors,
    role_machines.deployment_errors,
    engine_choice.deployment_errors,
    engine_args.deployment_errors,
    equal_sides.deployment_errors,
    verification.deployment_errors,
    tensor_parallel.deployment_errors,
    engine_memory.deployment_errors,
    one_node.deployment_errors,
    kv_transfer.deployment_errors,
    rdma.deployment_errors,
)

# The order in which a preview shows warnings: most general first.
_WARNINGS: tuple[Callable[[ResolvedStack], Iterator[str]], ...] = (
    secrets.warnings,
    existing_cluster.warnings,
    capacity.without_effect,
    existing_network.warnings,
    renamed.warnings,
    versions.warnings,
    location.warnings,
    capacity.warnings,
    machine_files.warnings,
    machines.warnings,
    rdma.warnings,
    gpu_nodes.warnings,
    operations.warnings,
    endpoint.warnings,
)

_DEPLOYMENT_WARNINGS: tuple[Callable[[ResolvedStack, Deployment], Iterator[str]], ...] = (
    model.deployment_warnings,
    number_formats.deployment_warnings,
    engine_memory.deployment_warnings,
    kv_transfer.lease_warnings,
    roles.deployment_warnings,
    kv_transfer.deployment_warnings,
    roles.autoscaling_warnings,
    verification.deployment_warnings,
    engine_args.deployment_warnings,
    equal_sides.deployment_warnings,
    roles.restart_warnings,
)


_BY_MACHINE = (
    machine_files.errors,
    machines.errors,
    location.machine_errors,
    machines.deployment_errors,
    number_formats.deployment_errors,
    role_machines.errors,
    role_machines.deployment_errors,
    equal_sides.deployment_errors,
    tensor_parallel.deployment_errors,
    engine_memory.deployment_errors,
    one_node.deployment_errors,
    rdma.deployment_errors,
)
"""Checks that depend on the machine of the engines."""


def errors(stack: ResolvedStack, *, machine_known: bool = True) -> Iterator[Error]:
    """Every error of a stack with valid settings; without `machine_known`, except errors that depend on the machine."""
    for check in _ERRORS:
        if machine_known or check not in _BY_MACHINE:
            yield from check(stack)
    for deployment in stack.deployments:
        for check in _DEPLOYMENT_ERRORS:
            if machine_known or check not in _BY_MACHINE:
                yield from check(stack, deployment)


def warnings(stack: ResolvedStack, max_usd_per_hour: float | None) -> Iterator[str]:
    """Warnings, one sentence each. `max_usd_per_hour`: the cost with all nodes that an autoscaler may add."""
    for check in _WARNINGS:
        yield from check(stack)
    for deployment in stack.deployments:
        for check in _DEPLOYMENT_WARNINGS:
            yield from check(stack, deployment)
    yield from names.warnings(stack)
    yield from cost.warnings(stack, max_usd_per_hour)
