"""The ways Google Cloud sells A3 Ultra nodes."""

from enum import StrEnum


class CapacityMode(StrEnum):
    RESERVATION = "reservation"
    SPOT = "spot"
    FLEX_START = "flexStart"
    ON_DEMAND = "onDemand"
