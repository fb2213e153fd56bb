"""What the engines of prefill and decode compare when they meet: their arguments and GPUs must lead to the same."""

from collections.abc import Iterator

from catalog.contracts import Role
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Error


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    roles = [role for role in (Role.DECODE, Role.PREFILL) if deployment.sets_arguments(role)]
    where, shared = deployment.at(*roles[:1] or ["engine"], "extraArgs"), deployment.at("engine.extraArgs")
    arguments = {role: deployment.arguments(role) for role in deployment.roles}
    for flag, sides in deployment.compared(arguments).items():
        prefill, decode = sides[Role.PREFILL].value, sides[Role.DECODE].value
        if prefill != decode:
            yield Error(
                where,
                f"{flag} must be equal on both sides of a KV transfer: prefill ({_gpu(deployment, Role.PREFILL)}) has "
                f"{prefill}, decode ({_gpu(deployment, Role.DECODE)}) has {decode}; give it in {shared}, for both",
            )


def deployment_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    if deployment.pinned:
        yield (
            f"{deployment.at('engine.extraArgs')}: prefill ({_gpu(deployment, Role.PREFILL)}) and decode "
            f"({_gpu(deployment, Role.DECODE)}) both get {' '.join(deployment.pinned)}, because it must be equal for a "
            f"KV transfer and {deployment.engine.title} chooses it by the generation of the GPU; its own choice may be "
            "faster"
        )


def _gpu(deployment: Deployment, role: Role) -> str:
    gpus = deployment.roles[role].gpus
    return gpus.product if gpus else "no GPU"
