"""What NIXL's handshake compares of two vLLM engines, as far as their arguments and GPUs decide it.

`compute_nixl_compatibility_hash` in v1/nixl/metadata.py, vLLM 0.31.0. Model, version and KV dtype are the same for all
roles here.
"""

from collections.abc import Mapping
from typing import Any

from catalog.contracts import Compared
from catalog.flags.given import Given, Workers

# The backend for every generation from Ampere to Blackwell, read in `_get_backend_priorities` of
# vllm/platforms/cuda.py and the backends' `supports_…` methods. Not tried on a GPU.
_EVERYWHERE = "FLASH_ATTN"
_WITH_SINKS_OR_FP8 = "TRITON_ATTN"
_LATENT = "TRITON_MLA"

# `SpeculativeConfig.use_eagle`: the drafts that the hash has an entry for.
_FROM_HIDDEN_STATES = ("eagle", "eagle3", "mtp", "dflash", "dspark")

_HYBRID = "--disable-hybrid-kv-cache-manager"


def compared(given: Given, workers: Workers) -> Mapping[str, Compared]:
    """By flag. `workers` are those of one role."""
    return {
        "--attention-backend": _attention_backend(given, workers),
        "--speculative-config": Compared(value=_draft(given)),
        _HYBRID: Compared(value="on" if given.on(_HYBRID) else "off"),
    }


def _attention_backend(given: Given, workers: Workers) -> Compared:
    """What is given, else what vLLM chooses by the generation of the GPU."""
    pinned: Any = given.text("--attention-backend") or given.keys("--attention-config").get("backend")
    generations = {gpus.compute_capability.partition(".")[0] for gpus in workers.gpus}
    chosen = f"vLLM's own choice for compute capability {' and '.join(sorted(generations))}"
    return Compared(value=str(pinned or chosen), common=("--attention-backend", _on_all_generations(workers)))


def _on_all_generations(workers: Workers) -> str:
    if workers.card.attention.kind == "mla":
        return _LATENT
    special = workers.card.attention.sinks or workers.kv_cache_dtype.bytes == 1
    return _WITH_SINKS_OR_FP8 if special else _EVERYWHERE


def _draft(given: Given) -> str:
    """The draft model and its method; other speculation, such as ngram, is not compared."""
    config = given.keys("--speculative-config")
    method = given.text("--spec-method") or config.get("method")
    model = given.text("--spec-model") or config.get("model")
    return f"{method} with {model}" if method in _FROM_HIDDEN_STATES else "no draft model that NIXL compares"
