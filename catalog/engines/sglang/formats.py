"""Number formats of weights that SGLang 0.5.21 loads, by compute capability, read in its source; not tried on a GPU.

The floors come from `get_min_capability` in sglang/srt/layers/quantization. ModelOpt's FP8 needs 8.9, but a card's
format does not distinguish it from other FP8, so a ModelOpt checkpoint on an 8.0 GPU fails when it is loaded.
"""

from collections.abc import Mapping

from catalog.formats import FormatFloors

_QUANTIZATION = "sglang/srt/layers/quantization"

FORMATS: Mapping[str, FormatFloors] = {
    "bf16": FormatFloors(native="8.0", source="NVIDIA: tensor cores by compute capability"),
    "fp8": FormatFloors(
        native="8.9",
        weight_only="8.0",
        source=f"{_QUANTIZATION}: compressed_tensors_w8a8_fp8.py (89), compressed_tensors_w8a16_fp8.py (80)",
    ),
    "mxfp4": FormatFloors(native="10.0", weight_only="8.0", source=f"{_QUANTIZATION}/mxfp4.py (80)"),
    "nvfp4": FormatFloors(native="10.0", weight_only="8.0", source=f"{_QUANTIZATION}/modelopt_quant.py (80)"),
    "int4": FormatFloors(
        native=None, weight_only="8.0", source=f"{_QUANTIZATION}: compressed_tensors_wNa16.py (80), awq.py (80)"
    ),
}
