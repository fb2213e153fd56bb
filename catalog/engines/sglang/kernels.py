"""Attention kernels that are known to run a card's attention on the workers' GPUs."""

from collections.abc import Iterator

from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers

# Kernels that SGLang 0.5.21 chooses itself, or its documents name, by GPU generation and kind of attention. Other
# generations are unknown here. The parser also accepts kernels of other vendors, which fail when weights are loaded.
_ATTENTION = {
    "9": {
        "heads": ("fa3", "flashinfer", "triton", "trtllm_mha"),
        "latent": ("fa3", "flashinfer", "flashmla", "triton"),
    },
    "10": {"heads": ("trtllm_mha", "flashinfer", "triton"), "latent": ("trtllm_mla", "flashinfer", "triton")},
}
# Kernels with attention sinks: `supported_backends` of GptOssForCausalLM in sglang/srt/arg_groups/model_hook.py.
_WITH_SINKS = ("fa3", "triton", "trtllm_mha")
_FLAGS = ("--attention-backend", "--prefill-attention-backend", "--decode-attention-backend")


def usable(workers: Workers) -> dict[str, tuple[str, ...]]:
    """Flag → the values that these workers can use, fewer than the runtime knows. Errors propose only these."""
    attention = _attention(workers)
    return dict.fromkeys(_FLAGS, attention) if attention else {}


def _attention(workers: Workers) -> tuple[str, ...]:
    """The backends that run on all of the workers' GPUs; empty if one of the GPUs is unknown."""
    kind = "latent" if workers.card.attention.kind == "mla" else "heads"
    known = [_ATTENTION.get(gpu.compute_capability.partition(".")[0], {}).get(kind, ()) for gpu in workers.gpus]
    if not known:
        return ()
    common = [name for name in known[0] if all(name in names for names in known)]
    return tuple(name for name in common if not workers.card.attention.sinks or name in _WITH_SINKS)


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    allowed = _attention(workers)
    for name in _FLAGS:
        value = given.text(name)
        if value == "fa4" and workers.card.attention.kind != "mla":
            yield given.error(name, f"fa4 works in pages of 128 tokens, and pages are {workers.block_size} here")
        elif value is not None and allowed and value not in allowed:
            yield given.error(
                name,
                f"{value} is not known to run {workers.card.name} on "
                f"{' and '.join(gpu.product for gpu in workers.gpus)}; use one of {', '.join(allowed)}, or remove it",
            )
