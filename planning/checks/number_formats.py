"""Checks that an engine can load the weights' number format on its GPUs, and keep the KV cache in FP8 there."""

from collections.abc import Iterator, Mapping

from catalog import models
from catalog.formats import FormatUse, at_least
from catalog.machines import GpuMachine
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Error, Fix


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    for machine in _machines(deployment).values():
        yield from _refused(deployment, machine)
        yield from _fp8_kv_cache(deployment, machine)


def deployment_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    name, engine = deployment.card.weights.format, deployment.engine
    products = {
        machine.gpus.product: engine.format_condition(name, machine.gpus)
        for machine in _machines(deployment).values()
        if engine.format_use(name, machine.gpus) is FormatUse.WEIGHT_ONLY
    }
    variants = " or ".join(native_variants(deployment)) if products else ""
    for product, condition in sorted(products.items()):
        yield (
            f"{deployment.at('model')}: weight-only on {product}: its weights stay in {name} in memory, and "
            f"{engine.title} computes with them in 16 bits: no {name} arithmetic, slower prefill"
            + (f"; {condition}" if condition else "")
            + (f"; {variants} is native there" if variants else "")
        )
    native = {
        machine.gpus.product: limit
        for machine in _machines(deployment).values()
        if engine.format_use(name, machine.gpus) is FormatUse.NATIVE
        and (limit := engine.format_condition(name, machine.gpus))
    }
    for product, limit in sorted(native.items()):
        yield f"{deployment.at('model')}: {engine.title} has kernels for {name} on {product}, but {limit}"


def native_variants(deployment: Deployment) -> tuple[str, ...]:
    """The cards of the same model in formats that the engine computes in on every machine of the deployment."""
    engine, machines = deployment.engine, _machines(deployment).values()
    return tuple(
        card.name
        for card in models.variants(deployment.card)
        if all(engine.format_use(card.weights.format, machine.gpus) is FormatUse.NATIVE for machine in machines)
    )


def refusal(deployment: Deployment, machine: GpuMachine) -> str | None:
    """Why the engine does not load the weights on a machine; None if it does."""
    name, engine, gpus = deployment.card.weights.format, deployment.engine, machine.gpus
    if engine.format_use(name, gpus) is not FormatUse.REFUSED:
        return None
    loaded = ", ".join(engine.loads(gpus)) or "nothing"
    if gpus.limited(name, FormatUse.NATIVE) is FormatUse.REFUSED:
        why = f"which the file of {machine.name} does not list in gpus.formats"
    else:
        why = f"which {engine.title} is not known to load on {gpus.product} of {machine.name}"
    return f"are in {name}, {why}; {engine.title} loads {loaded} there"


def _machines(deployment: Deployment) -> Mapping[str, GpuMachine]:
    """The machines of the engines, each once; empty for a simulated engine."""
    roles = () if deployment.simulated else deployment.roles.values()
    return {role.machine.name: role.machine for role in roles if role.machine}


def _refused(deployment: Deployment, machine: GpuMachine) -> Iterator[Error]:
    if why := refusal(deployment, machine):
        where = deployment.at("model")
        fixes = (Fix(f"use {name}, which is native there", {where: name}) for name in native_variants(deployment))
        yield Error(where, f"the weights of {deployment.card.name} {why}", tuple(fixes))


def _fp8_kv_cache(deployment: Deployment, machine: GpuMachine) -> Iterator[Error]:
    dtype, gpus, where = deployment.settings.engine.kv_cache_dtype, machine.gpus, deployment.at("engine.kvCacheDtype")
    computed = at_least(gpus.compute_capability, deployment.engine.fp8_kv_cache_from)
    if dtype.bytes == 1 and not (computed and gpus.limited(dtype.value, FormatUse.NATIVE) is FormatUse.NATIVE):
        yield Error(
            where,
            f"{dtype} needs GPUs with {dtype} arithmetic, which {gpus.product} of {machine.name} has not",
            (Fix("use auto", {where: "auto"}),),
        )
