"""Checks settings that the engines of prefill and decode compare when they connect, and that must be equal."""

from collections.abc import Iterator

from catalog.contracts import Role
from catalog.flags.given import Given
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Error, Fix


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    engine, where, shared = deployment.engine, deployment.at("engine.extraArgs"), deployment.settings.engine.extra_args
    if deployment.kv_transfer is None or engine.flags is None:
        return
    prefill, decode = (
        engine.compared(Given(engine.flags, deployment.arguments(role)), deployment.workers([deployment.roles[role]]))
        for role in (Role.PREFILL, Role.DECODE)
    )
    for flag, one in prefill.items():
        other = decode[flag]
        if one.value != other.value:
            words = " ".join(one.common)
            yield Error(
                where,
                f"{flag} must have the same effect on both sides of a KV transfer, or they reject each other: prefill "
                f"({_gpu(deployment, Role.PREFILL)}) has {one.value}, decode ({_gpu(deployment, Role.DECODE)}) has "
                f"{other.value}; give both the same",
                (Fix(f"add {words}", {where: [*shared, *one.common]}),) if words else (),
            )


def _gpu(deployment: Deployment, role: Role) -> str:
    gpus = deployment.roles[role].gpus
    return gpus.product if gpus else "no GPU"
