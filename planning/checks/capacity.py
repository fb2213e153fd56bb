"""How GPU nodes are bought: what contradicts the stack's place, and what each capacity mode warns of."""

from collections.abc import Iterator

from catalog.capacity import mode_of
from planning.resolve import ResolvedStack
from reading.errors import Fault, join


def errors(stack: ResolvedStack) -> Iterator[Fault]:
    given, settings = stack.settings.capacity, stack.settings
    on_gpus = [deployment.path for deployment in stack.deployments if deployment.on_gpus]
    if on_gpus and given is None and settings.makes_gpu_pools:
        yield Fault("capacity", f"is required: {', '.join(on_gpus)} needs GPU nodes; for example {{mode: spot}}")
    if given:
        for key, message in mode_of(given).errors(given, project=settings.project, zone=settings.location.zone):
            yield Fault(join("capacity", key), message)


def without_effect(stack: ResolvedStack) -> Iterator[str]:
    if stack.settings.capacity and not stack.own_gpu_pools:
        yield "capacity: mode and reservation have no effect, no GPU pool is made; maxNodes still limits"


def warnings(stack: ResolvedStack) -> Iterator[str]:
    given, pools = stack.settings.capacity, stack.own_gpu_pools
    if given is None or not pools:
        return
    mode = mode_of(given)
    for key, message in mode.warnings(given):
        yield f"{join('capacity', key) if key else 'capacity'}: {message}"
    for machine in {pool.machine.name: pool.machine for pool in pools}.values():
        price = machine.prices.get(mode.name)
        if price and price.kind != "list price":
            yield f"cost: the price of {machine.name} in mode {mode.name} is of a {price.kind}"
    for pool in pools:
        if pool.purchase and pool.purchase.reservation and pool.most_nodes > pool.nodes:
            yield f"pool {pool.name}: may grow to {pool.most_nodes} nodes; the reservation must hold that many"
