"""Number formats of weights that vLLM 0.31.0 loads, by compute capability. Read in its source, not tried on a GPU.

vLLM's own floors for weight-only formats are lower (7.5, Marlin's), but workers compute in bfloat16, which GPUs have
from 8.0 on (`check_if_supports_dtype` in vllm/platforms/cuda.py).
"""

from collections.abc import Mapping

from catalog.formats import FormatFloors

_QUANTIZATION = "vllm/model_executor/layers/quantization"

FORMATS: Mapping[str, FormatFloors] = {
    "bf16": FormatFloors(native="8.0", source="vllm/platforms/cuda.py: check_if_supports_dtype"),
    "fp8": FormatFloors(
        native="8.9",
        weight_only="8.0",
        source=f"{_QUANTIZATION}: compressed_tensors_w8a8_fp8.py (89), compressed_tensors_w8a16_fp8.py and fp8.py (75)",
    ),
    "mxfp8": FormatFloors(
        native="10.0",
        weight_only="8.0",
        source=f"vllm/model_executor/kernels/linear/mxfp8; {_QUANTIZATION}: compressed_tensors_w8a8_mxfp8.py (75)",
    ),
    # Generation 12 has native kernels only in a third-party backend; the default order uses Marlin instead.
    # The backends that also quantize activations have names that end in afp8, which the parser refuses.
    "mxfp4": FormatFloors(
        native="10.0",
        native_below="11.0",
        native_limit="in gpt-oss the activations of the experts stay in bfloat16, and so does their arithmetic",
        weight_only="8.0",
        source=f"vllm/model_executor/layers/fused_moe/oracle/mxfp4.py; {_QUANTIZATION}/mxfp4.py (80)",
    ),
    "nvfp4": FormatFloors(
        native="10.0",
        weight_only="8.0",
        source=f"vllm/model_executor/kernels/linear/nvfp4; {_QUANTIZATION}/modelopt.py (75)",
    ),
    "int4": FormatFloors(
        native=None, weight_only="8.0", source=f"{_QUANTIZATION}: compressed_tensors_wNa16.py (75), auto_awq.py (75)"
    ),
}
