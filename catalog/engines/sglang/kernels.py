"""Kernels that run a card's model on the workers' GPUs: attention, experts and matrix products."""

from collections.abc import Iterator, Sequence

from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers
from catalog.flags.table import Table
from catalog.machines import Gpus

# Attention kernels of SGLang 0.5.21 by GPU generation and kind of attention: those that it chooses itself
# (`get_default_attn_backend`) or that its documents name, as far as attention_hook.py, overrides.py and
# attention_registry.py let them start there. Not tried on a GPU.
_ATTENTION = {
    "8": {"heads": ("fa3", "flashinfer", "triton"), "latent": ("flashinfer", "triton")},
    "9": {
        "heads": ("fa3", "flashinfer", "triton", "trtllm_mha"),
        "latent": ("fa3", "flashinfer", "flashmla", "triton"),
    },
    "10": {"heads": ("trtllm_mha", "flashinfer", "triton"), "latent": ("trtllm_mla", "flashinfer", "triton")},
    "12": {"heads": ("trtllm_mha", "flashinfer", "triton"), "latent": ("trtllm_mla", "flashinfer", "triton")},
}
_LATENT_ONLY = ("flashmla", "trtllm_mla", "cutedsl_mla", "tokenspeed_mla")
# Kernels with attention sinks: `supported_backends` of GptOssForCausalLM in sglang/srt/arg_groups/model_hook.py.
_WITH_SINKS = ("fa3", "triton", "trtllm_mha")
_FLAGS = ("--attention-backend", "--prefill-attention-backend", "--decode-attention-backend")

# Values of kernel flags that run on no NVIDIA GPU, by comments and platform checks of sglang/srt/arg_groups/choices.py.
_OTHER_MAKERS = {"aiter": "AMD", "wave": "AMD", "intel_amx": "Intel", "intel_xpu": "Intel", "ascend": "Ascend"}
_KERNELS = (*_FLAGS, "--sampling-backend", "--moe-runner-backend", "--fp8-gemm-backend", "--fp4-gemm-backend")


def usable(workers: Workers, table: Table) -> dict[str, tuple[str, ...]]:
    """Flag → the values that these workers can use, fewer than the runtime knows. Errors propose only these."""
    on_nvidia = {
        name: tuple(value for value in table.flags[name].choices if value not in _OTHER_MAKERS) for name in _KERNELS
    }
    return on_nvidia | dict.fromkeys(_FLAGS, attention(workers))


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    for name in _KERNELS:
        value = given.text(name)
        if value is None:
            continue
        if maker := _OTHER_MAKERS.get(value):
            proposed = ", ".join(usable(workers, given.table)[name])
            yield given.error(name, f"{value} runs on {maker} hardware, not on NVIDIA GPUs; use one of {proposed}")
        elif name in _FLAGS and (why := _why_not(value, workers)):
            yield given.error(name, why)


def _why_not(value: str, workers: Workers) -> str | None:
    """Why an attention kernel does not run the card on the workers' GPUs; None if it does."""
    allowed, card = attention(workers), workers.card
    if value == "fa4" and card.attention.kind != "mla":
        return f"fa4 works in pages of 128 tokens, and pages are {workers.block_size} here"
    if value in allowed:
        return None
    proposed = f"use one of {', '.join(allowed)}, or remove it"
    if value in _LATENT_ONLY and card.attention.kind != "mla":
        return f"{value} is for multi-head latent attention, which {card.name} has not; {proposed}"
    if card.attention.sinks and value not in _WITH_SINKS:
        return f"{value} has no attention sinks, which {card.name} needs; {proposed}"
    if value == "trtllm_mha" and any(_on_12_with_fp8(gpu, workers) for gpu in workers.gpus):
        return f"trtllm_mha takes no FP8 KV cache on {workers.products}, and engine.kvCacheDtype is fp8; {proposed}"
    return f"{value} is not known to run {card.name} on {workers.products}; {proposed}"


def attention(workers: Workers) -> tuple[str, ...]:
    """The attention kernels that run on all of the workers' GPUs, with the sinks that the card needs."""
    known = [_on(gpu, workers) for gpu in workers.gpus] or [_of_kind(workers)]
    common = [name for name in known[0] if all(name in names for names in known)]
    return tuple(name for name in common if not workers.card.attention.sinks or name in _WITH_SINKS)


def _on(gpu: Gpus, workers: Workers) -> Sequence[str]:
    kinds = _ATTENTION.get(gpu.generation)
    names = kinds[_kind(workers)] if kinds else _of_kind(workers)
    return [name for name in names if not (name == "trtllm_mha" and _on_12_with_fp8(gpu, workers))]


def _on_12_with_fp8(gpu: Gpus, workers: Workers) -> bool:
    """Where prefill by trtllm_mha raises: `handle_attention_backend_compatibility`, SGLang 0.5.21."""
    return gpu.generation == "12" and workers.kv_cache_dtype.bytes == 1


def _of_kind(workers: Workers) -> Sequence[str]:
    """The kernels of any generation, for GPUs of a generation that the table does not have."""
    return tuple(dict.fromkeys(name for kinds in _ATTENTION.values() for name in kinds[_kind(workers)]))


def _kind(workers: Workers) -> str:
    return "latent" if workers.card.attention.kind == "mla" else "heads"
