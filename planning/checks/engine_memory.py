"""Checks lengths and memory: whether an engine can hold the model and one sequence of the max length."""

from collections.abc import Iterator

from catalog import sizing
from planning.deployments import Deployment, DeploymentRole
from planning.resolve import ResolvedStack
from reading.errors import Error, Fix


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    if deployment.simulated:
        return
    yield from _too_long(deployment)
    if deployment.divisible:
        for role in deployment.roles.values():
            yield from _too_large(deployment, role)


def deployment_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    """The warning of a share that the stack sets above what the engine's own formula gives with its flags."""
    given, usual = deployment.settings.engine.gpu_memory_utilization, deployment.usual_memory_share
    without = [deployment.engine.share_of(role.gpus) for role in deployment.roles.values() if role.gpus]
    if given and not deployment.simulated and usual < min(without, default=usual) and usual < given:
        yield (
            f"{deployment.at('engine.gpuMemoryUtilization')}: {given:g} leaves less memory than "
            f"{deployment.engine.title}'s own formula reserves for the extraArgs; workers may run out of memory under "
            f"load; set {usual:g} or less, or remove it"
        )


def _too_long(deployment: Deployment) -> Iterator[Error]:
    card, where = deployment.card, deployment.at("engine.maxModelLen")
    longest = card.architecture.max_model_len
    if deployment.max_model_len > longest:
        yield Error(
            where,
            f"{deployment.max_model_len} exceeds the maximum of {card.name}, {longest}",
            tuple(Fix(f"use {tokens}", {where: tokens}) for tokens in (longest, card.default_max_model_len)),
        )


def _too_large(deployment: Deployment, role: DeploymentRole) -> Iterator[Error]:
    """The error of an engine that cannot hold one sequence of the max length."""
    engine = deployment.memory(role)
    if engine is None or engine.fits:
        return
    size, name = role.tensor_parallel, deployment.card.name
    path, why = deployment.at(role.role, "tensorParallel"), f"{size} is too few for {name}"
    fixes = list(_more_gpus(deployment, role, path))
    if engine.kv_tokens:
        length = {deployment.at("engine.maxModelLen"): engine.kv_tokens}
        fixes.append(Fix(f"set engine.maxModelLen to {engine.kv_tokens} or less", length))
    if share := _enough_share(deployment, role):
        path = deployment.at("engine.gpuMemoryUtilization")
        fixes.insert(0, Fix(f"set engine.gpuMemoryUtilization to {share:g} or more", {path: share}))
        why = f"{deployment.memory_share:g} of a GPU's memory is too little for {name} over {size} GPUs"
    yield Error(path, f"{why}: {_sizes(engine)}{_hint(engine, fixes)}", tuple(fixes))


def _more_gpus(deployment: Deployment, role: DeploymentRole, path: str) -> Iterator[Fix]:
    for n in deployment.sizes(role):
        engine = deployment.memory(role, tensor_parallel=n)
        if n > role.tensor_parallel and engine and engine.fits:
            yield Fix(f"use tensorParallel {n}", {path: n})


def _enough_share(deployment: Deployment, role: DeploymentRole) -> float | None:
    """The min `gpuMemoryUtilization` that fits, in hundredths, up to the default, which leaves room for the driver.

    None if the stack sets the default or more, or if the default is not enough.
    """
    given, default = deployment.memory_share, deployment.usual_memory_share
    if given >= default:
        return None
    for hundredths in range(int(given * 100) + 1, round(default * 100) + 1):
        engine = deployment.memory(role, share=hundredths / 100)
        if engine and engine.fits:
            return hundredths / 100
    return None


def _sizes(engine: sizing.EngineMemory) -> str:
    return (
        f"weights {engine.weights / sizing.GIB:.1f} GiB per GPU, {max(0.0, engine.kv_budget) / sizing.GIB:.1f} GiB "
        f"left for the KV cache, but one sequence of {engine.max_model_len} tokens needs "
        f"{engine.kv_per_sequence / sizing.GIB:.1f} GiB"
    )


def _hint(engine: sizing.EngineMemory, fixes: list[Fix]) -> str:
    if engine.advice:
        return f"; {engine.advice}"
    return "" if fixes else "; the model does not fit this machine"
