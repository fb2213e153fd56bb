"""Kernels of experts (`--moe-runner-backend`) that SGLang refuses with a number format or a size.

`handle_moe_kernel_config` in sglang/srt/arg_groups/moe_hook.py and `handle_model_specific_adjustments` in
model_hook.py, SGLang 0.5.21. It names quantization methods; a card names the format, which several methods may share.
"""

from collections.abc import Iterator

from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers

_FLAG, _EP = "--moe-runner-backend", "--ep-size"

# Kernel → the formats of weights that some quantization method brings to it. Other kernels take any.
_FORMATS = {
    "flashinfer_cutlass": ("bf16", "fp8", "nvfp4"),
    "flashinfer_cutedsl": ("nvfp4",),
    "flashinfer_trtllm": ("bf16", "fp8", "mxfp8", "nvfp4", "int8", "int4"),
    "experimental_sgl_trtllm": ("bf16", "fp8", "mxfp8", "nvfp4", "int8", "int4"),
    "flashinfer_trtllm_routed": ("bf16", "fp8", "mxfp8", "nvfp4"),
}
_EP_ONE_OR_ALL = ("flashinfer_cutlass", "flashinfer_cutedsl")
# Kernel → the formats with which experts cannot be spread; empty: any.
_NO_EP: dict[str, tuple[str, ...]] = {"cutlass": ("fp8", "mxfp8"), "triton_kernel": ("mxfp4",)}


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    kernel, card = given.text(_FLAG), workers.card
    if kernel is None:
        return
    taken = _FORMATS.get(kernel)
    if taken is not None and card.weights.format not in taken:
        yield given.error(
            _FLAG,
            f"{kernel} takes experts in {', '.join(taken)} only, and {card.name} is in {card.weights.format}; "
            "use auto, or remove it",
        )
    experts = given.number(_EP)
    if experts is None or experts == 1:
        return
    if kernel in _EP_ONE_OR_ALL and any(experts != size for size in workers.tensor_parallel):
        yield given.error(_EP, f"{experts} must be 1 or tensorParallel of each role with {_FLAG} {kernel}")
    if card.weights.format in _NO_EP.get(kernel, ()):
        yield given.error(_EP, f"{experts} must be 1 with {_FLAG} {kernel} for weights in {card.weights.format}")
