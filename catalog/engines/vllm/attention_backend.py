"""The attention backend. vLLM chooses it by GPU generation, and NIXL refuses KV cache from a different backend."""

from catalog.flags.given import Given, Workers

# The backend for every generation from Ampere to Blackwell, read in `_get_backend_priorities` of
# vllm/platforms/cuda.py and the backends' `supports_…` methods, vLLM 0.31.0. Not tried on a GPU.
_EVERYWHERE = "FLASH_ATTN"
_WITH_SINKS_OR_FP8 = "TRITON_ATTN"
_LATENT = "TRITON_MLA"


def to_pin(given: Given, workers: Workers) -> tuple[str, ...]:
    """The flag that makes engines on different GPU generations use the same backend; empty where the stack sets one."""
    generations = {gpus.compute_capability.partition(".")[0] for gpus in workers.gpus}
    pinned = "--attention-backend" in given or "backend" in given.keys("--attention-config")
    if len(generations) < 2 or pinned:
        return ()
    if workers.card.attention.kind == "mla":
        return ("--attention-backend", _LATENT)
    special = workers.card.attention.sinks or workers.kv_cache_dtype.bytes == 1
    return ("--attention-backend", _WITH_SINKS_OR_FP8 if special else _EVERYWHERE)
