"""The kernels of vLLM 0.31.0 that run on an NVIDIA GPU, by compute capability. Read in its source, not tried on a GPU.

vLLM's parser also accepts kernels of other makers, of other GPU generations and of packages that the image is not
known to hold. They fail when the engine starts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.flags.given import Workers
from catalog.machines import Gpus

# A generation is the major number of its compute capabilities: 8 is Ampere and Ada, 9 Hopper, 10 and 12 Blackwell.
_ALL = ("8", "9", "10", "12")


@dataclass(frozen=True, kw_only=True)
class _Attention:
    """The generations on which an attention backend runs. Sources: `supports_compute_capability`, `supports_sink` and
    `supported_kv_cache_dtypes` of the backend's class, and `get_flash_attn_version` in v1/attention/backends."""

    bits16: tuple[str, ...] = _ALL
    """With a 16-bit KV cache."""
    fp8: tuple[str, ...] = ()
    """With an 8-bit KV cache."""
    sinks: tuple[str, ...] = ()
    """With attention sinks."""


# Backends for a plain KV cache that `_get_backend_priorities` in vllm/platforms/cuda.py lists. FlashInfer has sinks on
# other generations too, but only with kernels that the image may lack.
_HEADS = {
    "FLASH_ATTN": _Attention(fp8=("9", "10"), sinks=("9", "10")),
    "FLASHINFER": _Attention(fp8=_ALL, sinks=("10",)),
    "TRITON_ATTN": _Attention(fp8=_ALL, sinks=_ALL),
    "FLEX_ATTENTION": _Attention(),
}
# The same for multi-head latent attention.
_LATENT = {
    "FLASH_ATTN_MLA": _Attention(bits16=("9",)),
    "FLASHMLA": _Attention(bits16=("9", "10"), fp8=("9", "10")),
    "FLASHINFER_MLA": _Attention(bits16=("10",), fp8=("10",)),
    "CUTLASS_MLA": _Attention(bits16=("10",), fp8=("10",)),
    "TOKENSPEED_MLA": _Attention(bits16=(), fp8=("10",)),
    "TRITON_MLA": _Attention(fp8=_ALL),
}

# Versions of FlashAttention, with which vLLM starts: `is_fa_version_supported` in vllm_flash_attn. On Blackwell it uses
# another version in place of 3.
_FLASH_ATTENTION = {2: _ALL, 3: ("9", "10", "12"), 4: ("9", "10")}

# Kernels of linear layers: `_LINEAR_BACKEND_KERNEL_MAP` in model_executor/kernels/linear and `is_supported` of its
# classes. A kernel that does not know a layer's format leaves the layer to vLLM's own choice.
_LINEAR: Mapping[str, Sequence[str]] = {
    "auto": _ALL,
    "cutlass": _ALL,
    "deep_gemm": ("9", "10", "12"),
    "flashinfer_cudnn": ("10", "12"),
    "flashinfer_cutedsl": ("10", "12"),
    "flashinfer_cutlass": ("10", "12"),
    "flashinfer_trtllm": ("10",),
    "machete": ("9",),
    "marlin": _ALL,
    "torch": _ALL,
    "triton": _ALL,
}

# Kernels of experts, by the weights' format: the map of names in model_executor/layers/fused_moe/oracle, and
# `_supports_current_device` and `_supports_quant_scheme` of the classes in fused_moe/experts. vLLM refuses a name that
# the map of the format does not have.
_MOE: Mapping[str, Mapping[str, Sequence[str]]] = {
    "bf16": {"auto": _ALL, "flashinfer_cutlass": ("9", "10", "12"), "flashinfer_trtllm": ("10",), "triton": _ALL},
    "fp8": {
        "auto": _ALL,
        "cutlass": ("9", "10"),
        "deep_gemm": ("9", "10", "12"),
        "flashinfer_cutlass": ("9", "10", "12"),
        "flashinfer_trtllm": ("10",),
        "marlin": _ALL,
        "triton": ("8.9", "9", "10", "12"),
    },
    "mxfp8": {
        "auto": _ALL,
        "deep_gemm": ("10", "12"),
        "flashinfer_trtllm": ("10",),
        "marlin": _ALL,
        "triton": ("10", "12"),
    },
    "mxfp4": {
        "auto": _ALL,
        "deep_gemm": ("10", "12"),
        "flashinfer_cutlass": ("9", "10", "12"),
        "flashinfer_trtllm": ("10",),
        "marlin": _ALL,
        "triton": ("9", "10"),
        "triton_unfused": ("9", "10"),
    },
    "nvfp4": {
        "auto": _ALL,
        "cutlass": ("10", "12"),
        "flashinfer_b12x": ("12",),
        "flashinfer_cutedsl": ("10",),
        "flashinfer_cutlass": ("10", "12"),
        "flashinfer_trtllm": ("10",),
        "marlin": _ALL,
    },
    "int4": {"auto": _ALL, "flashinfer_trtllm": ("10",), "marlin": _ALL, "triton": _ALL},
}


def usable(workers: Workers) -> dict[str, tuple[str, ...]]:
    """Flag, or flag and key of its JSON → the kernels that run this model on all GPUs of these workers."""
    attention, linear = _attention(workers), _running(_LINEAR, workers)
    experts = _running(_experts(workers), workers)
    return {
        "--attention-backend": attention,
        "--attention-config.backend": attention,
        "--linear-backend": linear,
        "--kernel-config.linear_backend": linear,
        "--moe-backend": experts,
        "--kernel-config.moe_backend": experts,
    }


def attention_errors(value: str, workers: Workers) -> Iterator[str]:
    allowed, backend = _attention(workers), _backends(workers).get(value)
    if value in allowed:
        return
    of = f" on {on}" if (on := _products(workers)) else ""
    choice = f"use one of {', '.join(allowed)}, or remove it"
    if not backend or not (_runs(backend.bits16, workers) or _runs(backend.fp8, workers)):
        yield f"{value} does not run this model{of}; {choice}"
    elif workers.card.attention.sinks and not _runs(backend.sinks, workers):
        yield f"{value} has no attention sinks{of}, as far as is known, and {workers.card.name} needs them; {choice}"
    elif workers.kv_cache_dtype.bytes == 1:
        yield f"{value} supports no FP8 KV cache{of}, and engine.kvCacheDtype is {workers.kv_cache_dtype}; {choice}"
    else:
        yield f"{value} supports only an FP8 KV cache, and engine.kvCacheDtype is {workers.kv_cache_dtype}; {choice}"


def flash_attention_errors(version: int, workers: Workers) -> Iterator[str]:
    """`version`: the key `flash_attn_version`."""
    allowed = [known for known, generations in _FLASH_ATTENTION.items() if _runs(generations, workers)]
    if version in _FLASH_ATTENTION and version not in allowed:
        on = f" on {products}" if (products := _products(workers)) else ""
        yield f"{version} does not run{on}; use {' or '.join(map(str, allowed))}, or remove it"


def linear_errors(value: str, workers: Workers) -> Iterator[str]:
    yield from _unknown(value, "", workers, _running(_LINEAR, workers))


def moe_errors(value: str, workers: Workers) -> Iterator[str]:
    dense = workers.card.architecture.kind == "dense"
    layers = "" if dense else f" experts in {workers.card.weights.format}"
    yield from _unknown(value, layers, workers, _running(_experts(workers), workers))


def _unknown(value: str, layers: str, workers: Workers, allowed: Sequence[str]) -> Iterator[str]:
    if value not in allowed:
        on = f" on {products}" if (products := _products(workers)) else ""
        yield f"{value} is not known to run{layers}{on}; use one of {', '.join(allowed)}"


def _backends(workers: Workers) -> Mapping[str, _Attention]:
    return _LATENT if workers.card.attention.kind == "mla" else _HEADS


def _attention(workers: Workers) -> tuple[str, ...]:
    fp8, sinks = workers.kv_cache_dtype.bytes == 1, workers.card.attention.sinks
    return tuple(
        name
        for name, backend in _backends(workers).items()
        if _runs(backend.fp8 if fp8 else backend.bits16, workers) and not (sinks and not _runs(backend.sinks, workers))
    )


def _experts(workers: Workers) -> Mapping[str, Sequence[str]]:
    """The kernels for this card's experts; for a card without experts, or in another format, those of all formats."""
    merged: dict[str, Sequence[str]] = {}
    for names in _MOE.values():
        for name, generations in names.items():
            merged[name] = (*merged.get(name, ()), *generations)
    sparse = workers.card.architecture.kind != "dense"
    return _MOE.get(workers.card.weights.format, merged) if sparse else merged


def _running(kernels: Mapping[str, Sequence[str]], workers: Workers) -> tuple[str, ...]:
    return tuple(name for name in sorted(kernels) if _runs(kernels[name], workers))


def _runs(generations: Sequence[str], workers: Workers) -> bool:
    """Whether a kernel runs on all of the workers' GPUs. On a generation that this table does not know, a kernel that
    runs on any other one passes."""
    return bool(generations) and all(_on(generations, gpus) for gpus in workers.gpus)


def _on(generations: Sequence[str], gpus: Gpus) -> bool:
    return gpus.generation not in _ALL or gpus.generation in generations or gpus.compute_capability in generations


def _products(workers: Workers) -> str:
    """The GPUs in words, such as "an H200 and an L4"; empty on CPU nodes."""
    return " and ".join(dict.fromkeys(map(_with_article, workers.gpus)))


def _with_article(gpus: Gpus) -> str:
    return f"{'an' if gpus.product[0] in 'AEFHILMNORSX' else 'a'} {gpus.product}"
