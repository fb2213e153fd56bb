"""Number formats of weights: the bits that one weight takes, and what an engine makes of a format on a GPU."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

from reading.errors import one_of

# Of one weight of a linear layer, its scales included.
BITS = {
    "bf16": 16.0,
    "fp16": 16.0,
    "fp8": 8.0,
    "int8": 8.0,
    "mxfp8": 8.25,  # a scale of 8 bits for 32 weights
    "mxfp6": 6.25,
    "mxfp4": 4.25,
    "nvfp4": 4.5,  # a scale of 8 bits for 16 weights
    "int4": 4.125,  # a scale of 16 bits for 128 weights, the usual group
}


def _known(name: str) -> str:
    if name not in BITS:
        raise ValueError(one_of(name, tuple(BITS)))
    return name


Format = Annotated[str, AfterValidator(_known)]


def weight_bytes(name: str) -> float:
    """Bytes of one weight. Raises KeyError for a format that is not in BITS."""
    return BITS[name] / 8


class FormatUse(StrEnum):
    """What an engine makes of weights in a number format on a GPU."""

    NATIVE = "native"
    """It loads them, and computes in that format."""
    WEIGHT_ONLY = "weightOnly"
    """It loads them, and computes in 16 bits: little memory, no FP8 or FP4 arithmetic, slower prefill."""
    REFUSED = "refused"
    """It does not load them, or nobody documents that it does."""

    @property
    def words(self) -> str:
        return "weight-only" if self is FormatUse.WEIGHT_ONLY else self.value


@dataclass(frozen=True, kw_only=True)
class FormatFloors:
    """The compute capabilities from which an engine loads weights in one number format."""

    native: str | None
    """From here on it computes in the format, such as 8.9; None where it never does."""
    native_below: str | None = None
    """The first later generation for which it has no such kernels; None where every later one has."""
    weight_only: str | None = None
    """From here on it loads the weights at least; None where it loads them only where it computes in the format."""
    weight_only_below: str | None = None
    """The first later generation for which it does not; None where every later one has."""
    source: str
    """Where these numbers are written."""

    def use(self, compute_capability: str) -> FormatUse:
        if _within(compute_capability, self.native, self.native_below):
            return FormatUse.NATIVE
        if _within(compute_capability, self.weight_only, self.weight_only_below):
            return FormatUse.WEIGHT_ONLY
        return FormatUse.REFUSED


def _within(compute_capability: str, first: str | None, below: str | None) -> bool:
    return bool(first and at_least(compute_capability, first) and not (below and at_least(compute_capability, below)))


def at_least(compute_capability: str, floor: str) -> bool:
    return _order(compute_capability) >= _order(floor)


def _order(compute_capability: str) -> tuple[int, ...]:
    return tuple(int(part) for part in compute_capability.split("."))


FP8_ARITHMETIC = "8.9"
"""The first GPUs with tensor cores for FP8: Ada. NVIDIA's table of compute capabilities."""

ARITHMETIC: Mapping[str, FormatFloors] = {
    name: FormatFloors(native=first, source="NVIDIA: tensor cores by compute capability")
    for name, first in (
        ("bf16", "8.0"),
        ("fp8", FP8_ARITHMETIC),
        ("mxfp8", "10.0"),
        ("mxfp4", "10.0"),
        ("nvfp4", "10.0"),
    )
}
"""What GPUs compute by themselves, for an engine of which no more is known."""
