"""GPU memory that vLLM needs in addition to the weights: estimates, and reservations read in its code."""

from catalog.contracts import MemoryInput, MemoryUse
from catalog.engines.vllm.batch import Batch, batch, default_batch
from catalog.flags.given import Given
from catalog.models import Card
from catalog.sizing import GIB

# Runtime, activations of RUNTIME_BATCH, NCCL buffers and CUDA graphs.
RUNTIME_BYTES = 3.5 * GIB
RUNTIME_BATCH = Batch(tokens=8192, seqs=1024)
SOURCE = (
    "an estimate, not measured on an H200: with it the formula gives 1.1 % more KV tokens than aiconfigurator does for "
    "a 70B model at TP 4; what batches take beyond the default ones is an estimate too"
)


def memory(card: Card, inputs: MemoryInput, given: Given, block_size: int) -> MemoryUse:
    """Memory use of vLLM: its share of the GPU includes everything, and the KV cache gets the remainder."""
    default = default_batch(inputs.gpu, inputs.gpu_bytes)
    now = batch(given, inputs.max_model_len, default)
    overhead = RUNTIME_BYTES + batch_bytes(card, now, tensor_parallel=inputs.tensor_parallel)
    return MemoryUse(
        kv_cache=inputs.gpu_bytes * inputs.share - inputs.weights - overhead,
        overhead=overhead,
        source=SOURCE,
        window_tokens=window_tokens(card, now, inputs.max_model_len, block_size),
        advice=f"smaller batches than {now.tokens} tokens and {now.seqs} sequences leave more"
        if now != default
        else None,
    )


def window_tokens(card: Card, batch: Batch, max_model_len: int, block_size: int) -> int:
    """Max tokens of one sequence that sliding-window layers hold, as vLLM 0.31.0 reserves them.

    `SlidingWindowSpec.max_admission_blocks_per_request`: the window, the running batch, the batch scheduled meanwhile,
    and one more block, because a window may begin anywhere in a block.
    """
    if card.attention.kind != "hybrid":
        return 0
    return min(card.attention.window - 1 + 2 * batch.tokens, max_model_len) + block_size


def batch_bytes(card: Card, batch: Batch, *, tensor_parallel: int) -> float:
    """Bytes per GPU that a batch needs beyond RUNTIME_BATCH. An estimate, not measured.

    Per token: four hidden states in flight (not divided), query, key and value, and the MLP's three vectors, for eight
    experts in a mixture of experts. Per sequence: logits in FP32, twice.
    """
    a, its = card.architecture, card.attention
    experts = 1 if a.kind == "dense" else 8
    if its.kind == "mla":  # each head's query is as long as the compressed vector
        vectors = its.heads * (its.kv_lora_rank + its.rope_head_dim)
    else:
        vectors = (its.heads + 2 * its.kv_heads) * its.head_dim
    per_token = 2 * (4 * a.hidden_size + (vectors + 3 * experts * a.intermediate_size) / tensor_parallel)
    more_tokens = max(0, batch.tokens - RUNTIME_BATCH.tokens)
    more_seqs = max(0, batch.seqs - RUNTIME_BATCH.seqs)
    return more_tokens * per_token + more_seqs * a.vocab_size * 4 * 2
