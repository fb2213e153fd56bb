"""Checks how GPU nodes are bought: errors for the stack's project and zone, and warnings of each capacity mode."""

from collections.abc import Iterator

from catalog.capacity import CapacitySettings, mode_of
from planning.resolve import ResolvedStack
from reading.errors import Error, join


def errors(stack: ResolvedStack) -> Iterator[Error]:
    settings = stack.settings
    on_gpus = [
        deployment.path
        for deployment in stack.deployments
        if any(role.machine and role.capacity is None for role in deployment.roles.values())
    ]
    if on_gpus and settings.creates_gpu_pools:
        yield Error("capacity", f"is required: {', '.join(on_gpus)} needs GPU nodes; for example {{mode: spot}}")
    for path, given in stack.capacities.items():
        for key, message in mode_of(given).errors(given, project=settings.project, zone=settings.location.zone):
            yield Error(join(path, key), message)


def without_effect(stack: ResolvedStack) -> Iterator[str]:
    for path in () if stack.own_gpu_pools else tuple(stack.capacities):
        yield f"{path}: mode and reservation are ignored: the stack creates no GPU node pool; maxNodes still applies"


def warnings(stack: ResolvedStack) -> Iterator[str]:
    used = {stack.capacity_path(pool) for pool in stack.own_gpu_pools}
    for path, given in stack.capacities.items():
        for key, message in mode_of(given).warnings(given) if path in used else ():
            yield f"{join(path, key) if key else path}: {message}"
        if path in used - {"capacity"}:
            yield from _not_inherited(path, given, stack.settings.capacity)
    yield from _purchase_warnings(stack)


def _not_inherited(path: str, given: CapacitySettings, of_stack: CapacitySettings | None) -> Iterator[str]:
    """The warning of a role's capacity in the stack's mode that does not repeat the stack's other settings."""
    if of_stack is None or mode_of(of_stack) is not mode_of(given):
        return
    common, own = (each.model_dump(by_alias=True, exclude_unset=True) for each in (of_stack, given))
    left_out = [key for key in common if key not in {*own, "mode", "machine", "maxNodes"}]
    if left_out:
        yield (
            f"{path}: replaces the stack's capacity as a whole, so {' and '.join(left_out)} of `capacity` "
            f"{'does' if len(left_out) == 1 else 'do'} not apply; repeat what the role needs"
        )


def _purchase_warnings(stack: ResolvedStack) -> Iterator[str]:
    """Warnings about purchases for the pools: prices that are no list prices, reservations that may be too small."""
    for (name, mode), machine in stack.bought.items():
        price = machine.prices.get(mode)
        if price and not price.holds:
            yield f"cost: the price of {name} in mode {mode} is that of {price.date}; it changes daily"
        elif price and price.kind != "list price":
            yield f"cost: the price of {name} in mode {mode} is of a {price.kind}"
    for pool in stack.own_gpu_pools:
        if pool.purchase and pool.purchase.reservation and pool.max_nodes > pool.nodes:
            yield f"pool {pool.name}: may grow to {pool.max_nodes} nodes; the reservation must hold that many"
