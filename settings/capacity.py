"""`capacity`: how GPU nodes are bought."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from catalog.capacity import CapacityMode
from catalog.defaults import default_machine
from catalog.machines import GpuMachineName
from reading.frozen import Frozen

# Of this project or shared by another, whole or one block or sub-block of it; with its zone as the API writes it.
RESERVATION = (
    r"^(projects/[a-z0-9-]+/(zones/[a-z0-9-]+/)?reservations/)?[a-z]([-a-z0-9]*[a-z0-9])?"
    r"(/reservationBlocks/[a-z0-9-]+(/reservationSubBlocks/[a-z0-9-]+)?)?$"
)
RESERVATION_RULE = (
    "a reservation's name in lower-case letters, digits and dashes; with a block as NAME/reservationBlocks/BLOCK, of "
    "another project as projects/OWNER/reservations/NAME"
)


class Capacity(Frozen):
    machine: GpuMachineName = Field(default_factory=default_machine)
    """The machine type of GPU pools, one of `catalog/machines`."""
    mode: CapacityMode
    reservation: Annotated[
        Annotated[str, Field(pattern=RESERVATION, description=RESERVATION_RULE, examples=["my-reservation"])] | None,
        Field(validate_default=True),
    ] = None
    """A reservation's name, optionally with its block and sub-block: `NAME/reservationBlocks/BLOCK`; one that another
    project shares as `projects/OWNER/reservations/NAME`."""
    max_nodes: Annotated[int, Field(ge=1, le=1000, examples=[4])] | None = None
    """GPU nodes that the stack may ask for, autoscaling included; more is refused. The ranges must hold as many."""

    compact_placement: bool | None = None
    """Whether nodes have to lie close together; each mode has its default, see `CapacityMode.compact_placement`."""

    @field_validator("compact_placement")
    @classmethod
    def _placement_can_be_chosen(cls, compact: bool | None, info: ValidationInfo) -> bool | None:
        if compact is not None and info.data.get("mode") is CapacityMode.RESERVATION:
            raise ValueError("has no effect with mode reservation, whose machines lie where they are; remove it")
        return compact

    @field_validator("reservation")
    @classmethod
    def _reservation_fits_mode(cls, reservation: str | None, info: ValidationInfo) -> str | None:
        mode: CapacityMode | None = info.data.get("mode")
        if mode is CapacityMode.RESERVATION and not reservation:
            raise ValueError(
                "mode reservation needs its name, else the pool waits for nodes on demand, which are hardly ever free; "
                "list yours with `gcloud compute reservations list`"
            )
        if mode and mode is not CapacityMode.RESERVATION and reservation:
            raise ValueError(
                f"mode {mode} would leave reservation {reservation} unused and still paid for; take it out, in a "
                "preview by `--set capacity.reservation=`"
            )
        return reservation
