"""The ways Google Cloud sells A3 Ultra nodes."""

from enum import StrEnum


def reservation_owner(reservation: str) -> str:
    """The project of `projects/OWNER/reservations/…`; empty for a reservation that is named without one."""
    return reservation.split("/")[1] if reservation.startswith("projects/") else ""


class CapacityMode(StrEnum):
    RESERVATION = "reservation"
    SPOT = "spot"
    FLEX_START = "flexStart"
    ON_DEMAND = "onDemand"

    @property
    def paid_before_nodes(self) -> bool:
        """Whether the bill runs before there are nodes: of a reservation every machine is paid, used or not."""
        return self is CapacityMode.RESERVATION

    @property
    def compact_placement(self) -> bool:
        """Whether a pool asks for nodes close together unless the stack says otherwise.

        A reservation is dense by itself. Google's modules for A3 Ultra leave it out for flex-start; that GKE takes the
        two together is unverified.
        """
        return self in (CapacityMode.SPOT, CapacityMode.ON_DEMAND)
