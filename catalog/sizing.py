"""Whether a model fits an engine and how much KV cache is left: arithmetic over config.json, with one estimate.

The kind of attention says what a token keeps in the KV cache (`catalog.models.attention`). Weights are the sum over
layers for dense models with grouped-query attention, else those of the safetensors index.
"""

from dataclasses import dataclass

from catalog.contracts import KvCacheDtype
from catalog.formats import weight_bytes
from catalog.machines import Gpus
from catalog.models import Card

GIB = 1024**3
MIB = 1024**2

# Runtime, activations, NCCL buffers and CUDA graphs beside weights and KV cache. An estimate, not measured on an
# H200: with it the formula gives 1.1 % more KV tokens than aiconfigurator does for a 70B model at TP 4.
RUNTIME_BYTES = 3.5 * GIB


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The largest batch of one step of an engine."""

    tokens: int
    seqs: int


# Tokens of a block of vLLM's KV cache, the same for both roles and the router.
BLOCK_SIZE = 128

# Tokens of a verification's request, prompt and answer: 400 words of up to 3 tokens, a first word of 16 hexadecimal
# digits, up to 128 tokens that the model's chat template adds, and an answer of 32.
VERIFICATION_TOKENS = 400 * 3 + 16 + 128 + 32

# vLLM's own on an H200, which RUNTIME_BYTES is for: `EngineArgs.get_batch_defaults`, vLLM 0.31.0.
DEFAULT_BATCH = Batch(tokens=8192, seqs=1024)


@dataclass(frozen=True, kw_only=True)
class EngineMemory:
    """What one engine holds, per GPU, in bytes; counts are for the engine as a whole."""

    weights: float
    kv_per_token: int
    """What a token keeps as long as its sequence lives."""
    kv_in_windows: int = 0
    """What one sequence keeps in layers with a sliding window, however long it is."""
    kv_budget: float
    """What is left for the KV cache; negative when the weights alone do not fit."""
    max_model_len: int
    batch: Batch = DEFAULT_BATCH

    @property
    def kv_per_sequence(self) -> int:
        """Of the full length."""
        return self.max_model_len * self.kv_per_token + self.kv_in_windows

    @property
    def kv_tokens(self) -> int:
        """Tokens that fit as sequences of the full length; where no such sequence fits, of one that does."""
        windows = max(1, self.full_sequences) * self.kv_in_windows
        return max(0, int((self.kv_budget - windows) // self.kv_per_token))

    @property
    def full_sequences(self) -> int:
        """Sequences of the full length that fit at the same time; guaranteed, not typical."""
        return max(0, int(self.kv_budget // self.kv_per_sequence))

    @property
    def fits(self) -> bool:
        return self.full_sequences >= 1


def linear_parameters(card: Card) -> int:
    """Parameters of attention and MLP of a dense model with grouped-query attention."""
    a, its = card.architecture, card.attention
    assert its.kind != "mla"  # such a card has weights.totalBytes
    attention = a.hidden_size * its.head_dim * (its.heads + 2 * its.kv_heads) + its.heads * its.head_dim * a.hidden_size
    return a.layers * (attention + 3 * a.hidden_size * a.intermediate_size)


def parameters(card: Card) -> int:
    """All parameters of such a model: 70,553,706,496 for Llama-3.3-70B."""
    a = card.architecture
    norms = 2 * a.layers * a.hidden_size + a.hidden_size
    embeddings = a.vocab_size * a.hidden_size * (1 if a.tied_embeddings else 2)
    return linear_parameters(card) + norms + embeddings


def weights_bytes(card: Card) -> float:
    """The weights of the whole model, bytes."""
    if card.weights.total_bytes is not None:
        return card.weights.total_bytes
    linear = linear_parameters(card)
    return linear * weight_bytes(card.weights.format) + (parameters(card) - linear) * 2


def window_tokens(card: Card, batch: Batch, max_model_len: int) -> int:
    """Tokens of one sequence that layers with a sliding window hold at most, as vLLM 0.31.0 reserves them.

    `SlidingWindowSpec.max_admission_blocks_per_request`: the window and what is in flight, a batch that runs and one
    that is scheduled meanwhile; and a block, since a window may begin anywhere in one.
    """
    if card.attention.kind != "hybrid":
        return 0
    return min(card.attention.window - 1 + 2 * batch.tokens, max_model_len) + BLOCK_SIZE


def batch_bytes(card: Card, batch: Batch, *, tensor_parallel: int) -> float:
    """Bytes a GPU that a batch takes beyond the default one. An estimate, not measured.

    Per token: hidden states (four of them in flight, not divided), query, key and value, and the MLP's three vectors;
    of experts, eight are counted a token. Per sequence: logits in FP32, twice.
    """
    a, its = card.architecture, card.attention
    experts = 1 if a.kind == "dense" else 8
    if its.kind == "mla":  # each head's query is as long as the compressed vector
        vectors = its.heads * (its.kv_lora_rank + its.rope_head_dim)
    else:
        vectors = (its.heads + 2 * its.kv_heads) * its.head_dim
    per_token = 2 * (4 * a.hidden_size + (vectors + 3 * experts * a.intermediate_size) / tensor_parallel)
    more_tokens = max(0, batch.tokens - DEFAULT_BATCH.tokens)
    more_seqs = max(0, batch.seqs - DEFAULT_BATCH.seqs)
    return more_tokens * per_token + more_seqs * a.vocab_size * 4 * 2


def engine_memory(
    card: Card,
    gpus: Gpus,
    *,
    tensor_parallel: int,
    max_model_len: int,
    kv_cache_dtype: KvCacheDtype,
    gpu_memory_utilization: float,
    batch: Batch = DEFAULT_BATCH,
) -> EngineMemory:
    """The memory of one engine of `card` over `tensor_parallel` GPUs."""
    weights = weights_bytes(card) / tensor_parallel
    runtime = RUNTIME_BYTES + batch_bytes(card, batch, tensor_parallel=tensor_parallel)
    layers, kv_bytes = card.architecture.layers, kv_cache_dtype.bytes
    in_window = card.attention.elements_in_window(layers, tensor_parallel) * kv_bytes
    return EngineMemory(
        weights=weights,
        kv_per_token=card.attention.elements_per_token(layers, tensor_parallel) * kv_bytes,
        kv_in_windows=in_window * window_tokens(card, batch, max_model_len),
        kv_budget=gpus.memory_mib * MIB * gpu_memory_utilization - weights - runtime,
        max_model_len=max_model_len,
        batch=batch,
    )
