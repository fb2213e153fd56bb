"""Number formats of weights that TensorRT-LLM loads, by compute capability, as its documentation says; no GPU asked.

What its tables do not have is refused, whatever its kernels may do.
"""

from collections.abc import Mapping

from catalog.formats import FormatFloors

_MATRIX = "NVIDIA/TensorRT-LLM, docs/source/features/quantization.md at 09d4c79: hardware support matrix"

FORMATS: Mapping[str, FormatFloors] = {
    "bf16": FormatFloors(native="8.0", source=_MATRIX),
    "fp8": FormatFloors(native="8.9", source=_MATRIX),
    "mxfp4": FormatFloors(
        native="10.0",
        weight_only="9.0",
        source=f"{_MATRIX}; Hopper: its deployment guide for gpt-oss, BF16 activations and MXFP4 weights on H200",
    ),
    "nvfp4": FormatFloors(native="10.0", source=_MATRIX),
    "int4": FormatFloors(native=None, weight_only="8.0", weight_only_below="10.0", source=_MATRIX),
}
