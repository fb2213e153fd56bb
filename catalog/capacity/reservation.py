"""Nodes from a reservation, which must exist before and is billed whether used or not."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from catalog.capacity.mode import CapacityMode, CapacitySettings
from catalog.purchases import NodePurchase, ReservationRef
from reading.shape import VariantOnly

# A reservation of this project or shared by another, whole or a block or sub-block; the API's form with zone, too.
_PATTERN = (
    r"^(projects/[a-z0-9-]+/(zones/[a-z0-9-]+/)?reservations/)?[a-z]([-a-z0-9]*[a-z0-9])?"
    r"(/reservationBlocks/[a-z0-9-]+(/reservationSubBlocks/[a-z0-9-]+)?)?$"
)


def _named(name: object) -> object:
    if not name:
        raise ValueError(
            "mode reservation needs its name; without one, the pool waits for on-demand nodes, which are rarely "
            "available; list yours with `gcloud compute reservations list`"
        )
    return name


class ReservationSettings(CapacitySettings):
    model_config = ConfigDict(json_schema_extra={"required": ["mode", "reservation"]})

    mode: Literal["reservation"]
    """How GPU nodes are bought."""
    reservation: Annotated[
        str,
        BeforeValidator(_named),
        VariantOnly(
            "mode {tag} would leave reservation {given} unused but paid; remove it, in a preview with "
            "`--set capacity.reservation=`"
        ),
        Field(
            pattern=_PATTERN,
            description="a reservation's name in lower-case letters, digits and dashes; with a block as "
            "NAME/reservationBlocks/BLOCK, of another project as projects/OWNER/reservations/NAME",
            examples=["my-reservation"],
            validate_default=True,
        ),
    ] = ""
    """The reservation, or a block or sub-block of one, that the nodes come from."""


class Reservation(CapacityMode[ReservationSettings]):
    """Reserved nodes. They need no compact placement, because a reservation for GPUs is already dense."""

    name = "reservation"
    settings = ReservationSettings
    below_on_demand = True
    reserved = True
    paid_before_nodes = True
    adjective = "reserved"

    def node_pool(self, given: ReservationSettings, *, nodes: int, max_nodes: int) -> NodePurchase:
        return self.bought(min_nodes=nodes, max_nodes=max_nodes, reservation=ReservationRef.parse(given.reservation))

    def errors(self, given: ReservationSettings, *, project: str, zone: str) -> Iterator[tuple[str, str]]:
        named = ReservationRef.parse(given.reservation)
        if named.zone not in ("", zone):
            yield (
                "reservation",
                f"is in zone {named.zone}, but the GPU nodes are in {zone}; set location.zone to {named.zone}, or use "
                "a reservation of the nodes' zone",
            )
        # Google's own module for GKE node pools says so ("Shared extended reservations are not supported by GKE").
        if named.block and named.owner not in ("", project):
            yield (
                "reservation",
                f"{given.reservation} is a block of a reservation of project {named.owner}, and GKE supports blocks of "
                f"the stack's own project, {project}, only; name the whole reservation, {named.whole}, or set "
                f"gcp:project to {named.owner}",
            )
