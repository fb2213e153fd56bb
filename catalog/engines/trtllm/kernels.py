"""The kernels of TensorRT-LLM that run on a GPU, as far as its source says so. Nobody tried them on a GPU here.

Where a named kernel does not run, TensorRT-LLM fails at start or silently uses another one, by version.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers
from catalog.formats import at_least, within

MOE = "--trtllm.moe_config.backend"
ATTENTION = "--trtllm.attn_backend"
_ALLREDUCE = "--trtllm.allreduce_strategy"
_CUTE_DSL = (
    "--trtllm.use_cute_dsl_bf16_bmm",
    "--trtllm.use_cute_dsl_bf16_gemm",
    "--trtllm.use_cute_dsl_blockscaling_bmm",
    "--trtllm.use_cute_dsl_blockscaling_mm",
)


@dataclass(frozen=True, kw_only=True)
class _Experts:
    """Where a kernel for experts runs."""

    first: str = "8.0"
    below: str | None = None
    """The first later compute capability on which it does not run."""
    formats: tuple[str, ...] = ()
    """The formats of weights that it is for; empty: every format that the engine loads."""
    hidden_multiple: int = 1


# The table of backends in tensorrt_llm/_torch/modules/fused_moe/MOE_DEVELOPER_GUIDE.md, NVIDIA/TensorRT-LLM at 04c2347.
# The guide names TRITON for gpt-oss only, whose experts are in MXFP4.
_EXPERTS: Mapping[str, _Experts] = {
    "AUTO": _Experts(),
    "CUTLASS": _Experts(),
    "VANILLA": _Experts(),
    "TRTLLM": _Experts(first="10.0", below="11.0"),
    "TRITON": _Experts(first="9.0", below="10.0", formats=("mxfp4",)),
    "DEEPGEMM": _Experts(first="10.0", below="11.0", formats=("fp8",)),
    "DENSEGEMM": _Experts(first="10.0", below="11.0", formats=("nvfp4",)),
    "CUTEDSL": _Experts(first="10.0", formats=("fp8", "nvfp4")),
    "MARLIN": _Experts(first="8.9", below="10.0", formats=("nvfp4",)),
    "MEGAMOE_DEEPGEMM": _Experts(first="10.0", below="11.0", formats=("mxfp4",), hidden_multiple=512),
    "MEGAMOE_CUTEDSL": _Experts(first="10.0", below="11.0", formats=("nvfp4",)),
}


def usable(workers: Workers) -> Mapping[str, Sequence[str]]:
    """Flag → the kernels that an error may propose."""
    attention = {ATTENTION: ("TRTLLM",)} if workers.card.attention.sinks else {}
    return {**attention, MOE: tuple(name for name in _EXPERTS if not _why_not(name, workers))}


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    name, products = given.text(MOE), workers.products
    if name and (why := _why_not(name, workers)):
        allowed = ", ".join(usable(workers)[MOE])
        yield given.error(MOE, f"{name} is not known to run {why}; use one of {allowed}, or remove it")
    blackwell = all(at_least(gpus.compute_capability, "10.0") for gpus in workers.gpus)
    # `MNNVLAllReduce.is_mnnvl` in tensorrt_llm/_torch/distributed/ops.py: nodes with Arm CPUs, from GB200 on.
    if given.text(_ALLREDUCE) == "MNNVL" and not blackwell:
        yield given.error(
            _ALLREDUCE,
            f"MNNVL is for GPUs with NVLink between nodes, from GB200 on, and has no effect on {products}; remove it",
        )
    # tensorrt_llm/_torch/modules/gated_mlp.py: kernels in CuTe DSL are for Blackwell.
    for flag in _CUTE_DSL if not blackwell else ():
        if given.text(flag) == "true":
            yield given.error(flag, f"kernels in CuTe DSL are for Blackwell GPUs, not for {products}; remove it")


def _why_not(name: str, workers: Workers) -> str:
    """Why a kernel does not run the experts of these workers, as the end of a sentence; empty if it may."""
    known, card = _EXPERTS.get(name, _Experts()), workers.card
    for gpus in workers.gpus:
        if not within(gpus.compute_capability, known.first, known.below):
            return f"on {gpus.product}"
    if known.formats and card.weights.format not in known.formats:
        return f"experts in {card.weights.format}"
    if card.architecture.hidden_size % known.hidden_multiple:
        return f"a model whose hidden size, {card.architecture.hidden_size}, is no multiple of {known.hidden_multiple}"
    return ""
