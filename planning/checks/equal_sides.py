"""What the two sides of a KV transfer must have in common and choose by themselves, by the generation of their GPUs."""

from collections.abc import Iterator

from catalog.flags.given import Given
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Error, Fix


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    engine, where = deployment.engine, deployment.at("engine.extraArgs")
    if deployment.kv_transfer is None or engine.flags is None:
        return
    words = [word for role in deployment.roles for word in deployment.arguments(role)]
    missing = engine.flags_for_equal_sides(Given(engine.flags, words), deployment.workers(deployment.roles.values()))
    if missing:
        on = " and ".join(
            f"{role.role} on {role.gpus.product}" for role in deployment.roles.values() if role.gpus is not None
        )
        yield Error(
            where,
            f"{on}: {engine.title} chooses {missing[0].removeprefix('--')} by the generation of its GPUs and rejects "
            "KV cache of another one; give it, or use GPUs of one generation",
            (Fix(f"add {' '.join(missing)}", {where: [*deployment.settings.engine.extra_args, *missing]}),),
        )
