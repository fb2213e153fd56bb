"""SGLang's use of a GPU's memory: its own formula for the part that must stay free, and estimates."""

import math

from catalog.contracts import MemoryInput, MemoryUse
from catalog.engines.sglang import reserve
from catalog.engines.sglang.parallel import attention_parallel
from catalog.flags.given import Given
from catalog.machines import Gpus
from catalog.models import Card
from catalog.sizing import GIB, MIB

# CUDA's context and the buffers of NCCL, allocated before SGLang measures the free memory. An estimate.
CONTEXT_BYTES = 1.5 * GIB
SOURCE = (
    "mem-fraction-static of what is free before the weights are loaded goes to weights and KV cache "
    "(`_profile_available_bytes`, SGLang 0.5.21); that the rest holds activations, CUDA graphs, workspaces and NIXL's "
    "registrations is SGLang's own estimate, not measured here"
)
# The default of `--swa-full-tokens-ratio`.
WINDOW_RATIO = 0.8
# `--mamba-full-memory-ratio` where nobody gives it: memory of the states of linear layers, by that of the KV cache.
STATE_RATIO = 0.9


def memory_share(gpus: Gpus, given: Given) -> float:
    """`--mem-fraction-static` on these GPUs that leaves what SGLang's own formula reserves, in hundredths."""
    return reserve.share(gpus.memory_mib, reserve.reserved_mib(gpus.memory_mib, given))


def memory(card: Card, inputs: MemoryInput, given: Given, page_size: int) -> MemoryUse:
    """Memory of one GPU. Weights and KV cache get their share; SGLang does not check that the rest suffices."""
    layers, over = card.architecture.layers, attention_parallel(given, inputs.tensor_parallel)
    left = (
        (inputs.gpu_bytes - CONTEXT_BYTES) * inputs.share
        - inputs.weights
        - _copies(card, over, inputs.tensor_parallel)
        - _missing(inputs, given)
    )
    # With attention groups a GPU holds more of each token, but only for its group's requests. The plan counts one
    # group, so the cache counts as smaller by that factor.
    more = card.attention.elements_per_token(layers, over) / card.attention.elements_per_token(
        layers, inputs.tensor_parallel
    )
    if card.attention.kind == "linear":
        more *= 1 + STATE_RATIO
    return MemoryUse(
        kv_cache=left / more if left > 0 else left,
        overhead=inputs.gpu_bytes - inputs.weights - max(0.0, left),
        source=SOURCE,
        window_tokens=window_tokens(card, given, inputs.max_model_len, page_size),
        advice=_advice(inputs, given),
    )


def _missing(inputs: MemoryInput, given: Given) -> float:
    """Bytes by which the share leaves less than the stack's flags need. SGLang then starts with the whole KV cache and
    runs out of memory later."""
    memory_mib = int(inputs.gpu_bytes / MIB)
    free = max((1 - inputs.share) * memory_mib, reserve.default_mib(memory_mib))
    return max(0.0, reserve.reserved_mib(memory_mib, given) - free) * MIB


def _advice(inputs: MemoryInput, given: Given) -> str | None:
    memory_mib = int(inputs.gpu_bytes / MIB)
    needed = reserve.reserved_mib(memory_mib, given)
    if needed <= reserve.default_mib(memory_mib):
        return None
    flags = " and ".join(name for name in reserve.FLAGS if name in given)
    return (
        f"SGLang's own formula reserves {needed / 1024:.1f} GiB of each GPU for {flags}, without them "
        f"{reserve.default_mib(memory_mib) / 1024:.1f} GiB; give smaller values"
    )


def window_tokens(card: Card, given: Given, max_model_len: int, page_size: int) -> int:
    """Tokens that layers with a sliding window can hold per sequence of the full length.

    `HybridSWAPoolConfigurator` of SGLang 0.5.21 gives them a fixed share of the other layers' tokens, whatever the
    window.
    """
    if card.attention.kind != "hybrid":
        return 0
    try:
        ratio = float(given.text("--swa-full-tokens-ratio") or WINDOW_RATIO)
    except ValueError:  # an error of its own, as is a ratio out of bounds
        ratio = WINDOW_RATIO
    return math.ceil((ratio if 0 < ratio <= 1 else WINDOW_RATIO) * max_model_len / page_size) * page_size


def _copies(card: Card, over: int, tensor_parallel: int) -> float:
    """Bytes per GPU of attention weights that each group holds a copy of, in BF16. Latent attention: unknown, so 0."""
    its, a = card.attention, card.architecture
    if its.kind == "mla":
        return 0.0
    a_layer = 2 * a.hidden_size * its.head_dim * (its.heads + its.kv_heads)
    return 2 * a.layers * a_layer * (1 / over - 1 / tensor_parallel)
