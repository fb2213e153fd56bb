"""Number formats of weights, and the bits that one weight of a linear layer takes in each, its scales included."""

from typing import Annotated

from pydantic import AfterValidator

from reading.errors import one_of

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
