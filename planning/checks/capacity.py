"""How GPU nodes are bought."""

from collections.abc import Iterator

from catalog.capacity import CapacityMode, reservation_owner
from planning.resolve import ResolvedStack
from reading.errors import Fault
from settings.schema import Settings

_BY_MODE = {
    CapacityMode.SPOT: "capacity: spot nodes can be taken back at any time, and their price changes daily; costs are "
    "given with the price on demand as an upper bound; pods get seconds to end (15 by GKE's default), whatever "
    "drainSeconds says",
    CapacityMode.FLEX_START: "capacity: flexStart nodes vanish after 7 days at most, and their price is of one "
    "unverified source",
}


def errors(stack: ResolvedStack) -> Iterator[Fault]:
    yield from _required(stack)
    yield from _other_zone(stack.settings)
    yield from _block_of_another_project(stack.settings)


def without_effect(stack: ResolvedStack) -> Iterator[str]:
    if stack.settings.capacity and not stack.own_gpu_pools:
        yield "capacity: mode and reservation have no effect, no GPU pool is made; maxNodes still limits"


def warnings(stack: ResolvedStack) -> Iterator[str]:
    capacity = stack.settings.capacity
    if capacity is None or not stack.own_gpu_pools:
        return
    if warning := _BY_MODE.get(capacity.mode):
        yield warning
    if capacity.mode is CapacityMode.FLEX_START and capacity.compact_placement:
        yield (
            "capacity.compactPlacement: true, so flexStart nodes come only where all of them lie close together, which "
            "may take longer; that GKE takes the two together is unverified"
        )
    for pool in stack.own_gpu_pools:
        if capacity.mode is CapacityMode.RESERVATION and pool.most_nodes > pool.nodes:
            yield f"pool {pool.name}: may grow to {pool.most_nodes} nodes; the reservation must hold that many"


def _required(stack: ResolvedStack) -> Iterator[Fault]:
    on_gpus = [deployment.path for deployment in stack.deployments if deployment.on_gpus]
    if on_gpus and stack.settings.capacity is None and stack.settings.makes_gpu_pools:
        yield Fault("capacity", f"is required: {', '.join(on_gpus)} needs GPU nodes; for example {{mode: spot}}")


def _other_zone(settings: Settings) -> Iterator[Fault]:
    reservation = settings.capacity.reservation if settings.capacity else None
    if not reservation or "/zones/" not in reservation:
        return
    zone = reservation.split("/zones/")[1].partition("/")[0]
    if zone != settings.location.zone:
        yield Fault(
            "capacity.reservation",
            f"is in zone {zone}, the GPU nodes are in {settings.location.zone}; set location.zone to {zone}, or "
            "name a reservation of the nodes' zone",
        )


def _block_of_another_project(settings: Settings) -> Iterator[Fault]:
    """Google's own module for GKE node pools says so ("Shared extended reservations are not supported by GKE")."""
    reservation = settings.capacity.reservation if settings.capacity else None
    whole, _, block = (reservation or "").partition("/reservationBlocks/")
    owner = reservation_owner(whole)
    if block and owner not in ("", settings.project):
        yield Fault(
            "capacity.reservation",
            f"{reservation} is a block of a reservation of project {owner}, and GKE supports blocks of the stack's own "
            f"project, {settings.project}, only; name the whole reservation, {whole}, or set gcp:project to {owner}",
        )
