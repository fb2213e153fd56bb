"""The ways Google Cloud sells A3 Ultra nodes."""

from enum import StrEnum


class CapacityMode(StrEnum):
    RESERVATION = "reservation"
    SPOT = "spot"
    FLEX_START = "flexStart"
    ON_DEMAND = "onDemand"

    @property
    def paid_before_nodes(self) -> bool:
        """Whether the bill runs before there are nodes: of a reservation every machine is paid, used or not."""
        return self is CapacityMode.RESERVATION
