"""Checks that tensor-parallel sizes divide the model, and that KV cache can move between them."""

from collections.abc import Iterator, Sequence

from catalog.contracts import Role, RoleShape
from planning.deployments import Deployment, DeploymentRole
from planning.resolve import ResolvedStack
from reading.errors import Error, Fix


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    if deployment.simulated:
        return
    yield from _indivisible(deployment)
    if deployment.divisible:
        yield from _kv_split(deployment)


def nearest_first(sizes: Sequence[int], given: int) -> list[int]:
    return sorted(sizes, key=lambda n: (abs(n - given), n))


def _indivisible(deployment: Deployment) -> Iterator[Error]:
    for name, role in deployment.roles.items():
        sizes, where = deployment.sizes(role), deployment.at(name, "tensorParallel")
        if role.gpus and role.tensor_parallel not in sizes and not _part_of_a_node(role):
            yield Error(
                where,
                f"{role.tensor_parallel} cannot divide {deployment.card.name} ({deployment.card.attention.words}) "
                f"over the {role.gpus.count} GPUs of a node; one of {', '.join(map(str, sizes))}",
                tuple(Fix(f"use {n}", {where: n}) for n in nearest_first(sizes, role.tensor_parallel)),
            )


def _part_of_a_node(role: DeploymentRole) -> bool:
    """Whether another check rejects the size, because workers of the machine take whole nodes."""
    machine = role.machine
    return machine is not None and machine.whole_node_workers and role.tensor_parallel != machine.gpus.count


def _kv_split(deployment: Deployment) -> Iterator[Error]:
    """The error of two sizes between which the engine cannot move KV cache."""
    prefill, decode = deployment.roles.get(Role.PREFILL), deployment.roles.get(Role.DECODE)
    if not (prefill and decode):
        return
    shapes = (_shape(deployment, prefill), _shape(deployment, decode))
    grouped = [(role, flag) for role in shapes if (flag := deployment.engine.attention_size(role)[1])]
    for why in deployment.engine.layout_errors(*shapes, deployment.card):
        if grouped:
            yield _of_groups(deployment, shapes, *grouped[0], why)
            continue
        yield Error(
            deployment.at(Role.DECODE, "tensorParallel"),
            f"{decode.tensor_parallel} is incompatible with prefill's {prefill.tensor_parallel}: {why}",
            tuple(
                Fix(f"set {role.role}.tensorParallel to {n}", {deployment.at(role.role, "tensorParallel"): n})
                for role in (decode, prefill)
                for n in nearest_first(deployment.sizes(role), role.tensor_parallel)
            ),
        )


def _of_groups(deployment: Deployment, shapes: Sequence[RoleShape], grouped: RoleShape, flag: str, why: str) -> Error:
    """The error of a flag that divides a role's GPUs into groups, at the flag's word."""
    paths = [word.path for word in deployment.words(grouped.role) if word.text.partition("=")[0] == flag]
    sizes = " and ".join(
        f"{shape.role} over {deployment.engine.attention_size(shape)[0]} of its {shape.tensor_parallel} GPUs"
        for shape in shapes
    )
    return Error(
        next(iter(paths), deployment.at(grouped.role, "extraArgs")),
        f"with {flag}, attention is divided in {sizes}: {why}; give both roles the same groups, in "
        f"{deployment.at('engine.extraArgs')}, or remove {flag}",
    )


def _shape(deployment: Deployment, role: DeploymentRole) -> RoleShape:
    return RoleShape(role=role.role, tensor_parallel=role.tensor_parallel, arguments=deployment.arguments(role.role))
