"""The capacity modes, which are ways to buy GPU nodes: one file each, listed in `MODES`."""

from typing import Any

from catalog.capacity.flex_start import FlexStart
from catalog.capacity.mode import CapacityMode, CapacitySettings
from catalog.capacity.on_demand import OnDemand
from catalog.capacity.reservation import Reservation
from catalog.capacity.spot import Spot

__all__ = ["MODES", "NAMES", "CapacityMode", "CapacitySettings", "capacity_mode", "labeled_mode", "mode_of"]

MODES: tuple[CapacityMode[Any], ...] = (
    Reservation(),
    Spot(),
    FlexStart(),
    OnDemand(),
)

NAMES = tuple(mode.name for mode in MODES)


def mode_of(given: CapacitySettings) -> CapacityMode[Any]:
    """The mode that a settings block belongs to."""
    return next(mode for mode in MODES if type(given) is mode.settings)


def capacity_mode(name: str) -> CapacityMode[Any]:
    """The mode of that name. Raises KeyError for a name that is not in MODES; validated settings have no other."""
    return {mode.name: mode for mode in MODES}[name]


def labeled_mode(label: str | None) -> CapacityMode[Any] | None:
    """The mode that a pool's resource label names; None for a missing or unknown label."""
    return next((mode for mode in MODES if mode.label == label), None)
