"""Settings of two vLLM engines that NIXL's handshake compares, as far as arguments and GPUs determine them.

Source: `compute_nixl_compatibility_hash` in v1/nixl/metadata.py, vLLM 0.31.0. Model, version and KV dtype are the same
for all roles here.
"""

from collections.abc import Mapping
from typing import Any

from catalog.contracts import Compared
from catalog.flags.given import Given, Workers

# The backend for every generation from Ampere to Blackwell, read in `_get_backend_priorities` of
# vllm/platforms/cuda.py and the backends' `supports_…` methods. Not tried on a GPU.
_ON_ALL = "FLASH_ATTN"
_WITH_SINKS_OR_FP8 = "TRITON_ATTN"
_LATENT = "TRITON_MLA"

# Draft methods that the hash includes (`SpeculativeConfig.use_eagle`), and `draft_model`: the hash does not include it,
# but its KV cache is registered with the model's. We have not verified that both sides need the same one.
_WITH_KV_CACHE = ("eagle", "eagle3", "mtp", "dflash", "dspark", "draft_model")

_HYBRID = "--disable-hybrid-kv-cache-manager"


def compared(given: Given, workers: Workers) -> Mapping[str, Compared]:
    """Flag → compared setting. `workers`: the workers of one role."""
    return {
        "--attention-backend": _attention_backend(given, workers),
        "--speculative-config": Compared(value=_draft(given)),
        _HYBRID: Compared(value="on" if given.on(_HYBRID) else "off"),
    }


def given_backend(given: Given) -> str | None:
    """The attention backend that a stack sets, by either of the two flags; None where vLLM chooses."""
    pinned: Any = given.text("--attention-backend") or given.keys("--attention-config").get("backend")
    return str(pinned) if pinned else None


def _attention_backend(given: Given, workers: Workers) -> Compared:
    """The attention backend that the stack sets, else vLLM's choice for the GPU generation."""
    if pinned := given_backend(given):
        return Compared(value=pinned)
    return Compared(
        value=f"vLLM's own choice for compute capability {workers.generation}",
        common=("--attention-backend", _on_all_generations(workers)),
    )


def _on_all_generations(workers: Workers) -> str:
    if workers.card.attention.kind == "mla":
        return _LATENT
    special = workers.card.attention.sinks or workers.kv_cache_dtype.bytes == 1
    return _WITH_SINKS_OR_FP8 if special else _ON_ALL


def _draft(given: Given) -> str:
    """The draft model and its method; other speculation, such as ngram, is not compared."""
    config = given.keys("--speculative-config")
    method = given.text("--spec-method") or config.get("method")
    model = given.text("--spec-model") or config.get("model")
    return f"{method} with {model}" if method in _WITH_KV_CACHE else "no draft model that NIXL compares"
