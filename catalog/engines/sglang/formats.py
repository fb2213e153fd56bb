"""Number formats of weights that SGLang 0.5.21 loads, by compute capability, read in its source; not tried on a GPU.

The floors come from `get_min_capability` in sglang/srt/layers/quantization. They differ by the tool that wrote the
checkpoint, which a card does not name: `weight_only_if` says which checkpoints load.
"""

from collections.abc import Mapping

from catalog.formats import ARITHMETIC, FormatFloors

_QUANTIZATION = "sglang/srt/layers/quantization"

FORMATS: Mapping[str, FormatFloors] = {
    "bf16": ARITHMETIC["bf16"],
    "fp8": FormatFloors(
        native="8.9",
        weight_only="8.0",
        weight_only_if="a checkpoint of ModelOpt (`quant_method: modelopt`) fails there, because SGLang asks for "
        "compute capability 8.9 for it",
        source=f"{_QUANTIZATION}: compressed_tensors_w8a8_fp8.py (89), compressed_tensors_w8a16_fp8.py (80), "
        "modelopt_quant.py (89)",
    ),
    # `int8_scaled_mm` of sgl-kernel has no kernel for later generations and raises.
    "int8": FormatFloors(
        native="8.0",
        native_below="10.0",
        source=f"{_QUANTIZATION}: compressed_tensors_w8a8_int8.py (80); sgl-kernel/csrc/gemm/int8_gemm_kernel.cu",
    ),
    # Its kernels for generation 12 have not been read.
    "mxfp8": FormatFloors(native="10.0", native_below="12.0", source=f"{_QUANTIZATION}/fp8.py (100)"),
    "mxfp4": FormatFloors(native="10.0", weight_only="8.0", source=f"{_QUANTIZATION}/mxfp4.py (80)"),
    "nvfp4": FormatFloors(
        native="10.0",
        weight_only="8.0",
        weight_only_if="only a checkpoint of ModelOpt (`quant_method: modelopt`) loads there; one of "
        "compressed-tensors with 4-bit activations fails",
        source=f"{_QUANTIZATION}: modelopt_quant.py (80), compressed_tensors_w4a4_nvfp4.py (100)",
    ),
    "int4": FormatFloors(
        native=None, weight_only="8.0", source=f"{_QUANTIZATION}: compressed_tensors_wNa16.py (80), awq.py (80)"
    ),
}
