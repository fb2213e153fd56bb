"""Checks that a layout with all roles on one node fits the node's GPUs."""

from collections.abc import Iterator

from catalog.models import Placement
from planning.deployments import Deployment, DeploymentRole
from planning.resolve import ResolvedStack
from reading.errors import Error, Fix


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    roles = deployment.roles.values()
    gpus = next((role.gpus for role in roles), None)
    if deployment.layout.placement is not Placement.SHARED or gpus is None or not deployment.divisible:
        return
    asked = sum(map(_gpus, roles))
    if asked > gpus.count:
        parts = " + ".join(f"{role.role} {role.max_replicas} × {role.tensor_parallel}" for role in roles)
        yield Error(
            deployment.path,
            f"layout {deployment.layout_name} keeps its roles on one node of {gpus.count} GPUs, but {parts} = {asked}",
            (*_smaller_roles(deployment, gpus.count), *_layouts_with_more_nodes(deployment)),
        )


def _gpus(role: DeploymentRole) -> int:
    return role.max_replicas * role.tensor_parallel


def _smaller_roles(deployment: Deployment, count: int) -> Iterator[Fix]:
    """Fixes with fewer or smaller engines of one role, as many as fit the node."""
    for name, role in deployment.roles.items():
        room = count - sum(_gpus(other) for other in deployment.roles.values() if other is not role)
        if fewer := max(0, room // role.tensor_parallel):
            yield _fewer_engines(deployment, role, fewer)
        for n in sorted(deployment.sizes(role), reverse=True):
            if n < role.tensor_parallel and n * role.max_replicas <= room:
                yield Fix(f"set {name}.tensorParallel to {n}", {deployment.at(name, "tensorParallel"): n})


def _fewer_engines(deployment: Deployment, role: DeploymentRole, fewer: int) -> Fix:
    if not role.autoscaled:
        return Fix(f"set {role.role}.replicas to {fewer}", {deployment.at(role.role, "replicas"): fewer})
    low = min(role.replicas, fewer)
    return Fix(
        f"set autoscaling.{role.role} to {{min: {low}, max: {fewer}}}",
        {deployment.at("autoscaling", role.role): {"min": low, "max": fewer}},
    )


def _layouts_with_more_nodes(deployment: Deployment) -> Iterator[Fix]:
    for name, other in deployment.layouts.items():
        if other.placement is Placement.PER_ROLE and other.roles.keys() == deployment.roles.keys():
            yield Fix(f"use layout {name}", {deployment.at("layout"): name})
