"""Number formats of weights that TensorRT-LLM loads, by compute capability, from its documentation; not tried on a GPU.

Formats that its tables do not list are refused, even if its kernels might load them.
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
