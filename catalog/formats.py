"""Number formats of weights: bits per weight, and how an engine handles a format on a GPU."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

from reading.errors import one_of

# Bits per weight of a linear layer, scales included.
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
    """How an engine handles weights in a number format on a GPU."""

    NATIVE = "native"
    """The engine loads them and computes in that format."""
    WEIGHT_ONLY = "weightOnly"
    """The engine loads them and computes in 16 bits: little memory, no FP8 or FP4 arithmetic, slower prefill."""
    REFUSED = "refused"
    """The engine does not load them, or is not documented to."""

    @property
    def words(self) -> str:
        return "weight-only" if self is FormatUse.WEIGHT_ONLY else self.value


@dataclass(frozen=True, kw_only=True)
class FormatFloors:
    """The compute capabilities from which an engine loads weights in one number format."""

    native: str | None
    """Min compute capability for computing in the format, such as 8.9; None where the engine never does."""
    native_below: str | None = None
    """The first later generation without native kernels; None where every later one has them."""
    native_limit: str | None = None
    """A part of a model that is not computed in the format even where it is native, as a clause."""
    weight_only: str | None = None
    """Min compute capability for loading the weights; None where the engine loads them only for native compute."""
    weight_only_below: str | None = None
    """The first later generation on which the weights do not load; None where they load on every later one."""
    weight_only_if: str | None = None
    """A condition on the checkpoint for weight-only loading that a card does not show, as the end of a sentence."""
    source: str
    """Source of these numbers."""

    def use(self, compute_capability: str) -> FormatUse:
        if within(compute_capability, self.native, self.native_below):
            return FormatUse.NATIVE
        if within(compute_capability, self.weight_only, self.weight_only_below):
            return FormatUse.WEIGHT_ONLY
        return FormatUse.REFUSED


def within(compute_capability: str, first: str | None, below: str | None) -> bool:
    """Whether it is at least `first` and less than `below`. Nothing is within where `first` is None."""
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
"""The arithmetic of the GPUs themselves, for an engine without documented formats."""
