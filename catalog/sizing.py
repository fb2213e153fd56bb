"""Whether a model fits an engine and how much KV cache is left: arithmetic over config.json, with one estimate.

The formulas hold for grouped-query attention in BF16 and FP8; for a mixture of experts the weights are those of the
safetensors index. Sliding-window layers are counted as full ones, so the KV cache of gpt-oss is an upper bound.
"""

from dataclasses import dataclass

from catalog.contracts import KvCacheDtype
from catalog.machines import Gpus
from catalog.models import Architecture, Card, Weights

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
    kv_budget: float
    """What is left for the KV cache; negative when the weights alone do not fit."""
    max_model_len: int
    batch: Batch = DEFAULT_BATCH

    @property
    def kv_tokens(self) -> int:
        return max(0, int(self.kv_budget // self.kv_per_token))

    @property
    def full_sequences(self) -> int:
        """Sequences of the full length that fit at the same time; guaranteed, not typical."""
        return self.kv_tokens // self.max_model_len

    @property
    def fits(self) -> bool:
        return self.full_sequences >= 1


def linear_parameters(a: Architecture) -> int:
    """Parameters of attention and MLP of a dense model."""
    attention = a.hidden_size * a.head_dim * (a.heads + 2 * a.kv_heads) + a.heads * a.head_dim * a.hidden_size
    return a.layers * (attention + 3 * a.hidden_size * a.intermediate_size)


def parameters(a: Architecture) -> int:
    """All parameters of a dense model: 70,553,706,496 for Llama-3.3-70B."""
    norms = 2 * a.layers * a.hidden_size + a.hidden_size
    embeddings = a.vocab_size * a.hidden_size * (1 if a.tied_embeddings else 2)
    return linear_parameters(a) + norms + embeddings


def weights_bytes(card: Card) -> float:
    """The weights of the whole model, bytes."""
    weights: Weights = card.weights
    if weights.total_bytes is not None:
        return weights.total_bytes
    assert weights.bytes_per_parameter is not None  # Weights has the one or the other
    linear = linear_parameters(card.architecture)
    return linear * weights.bytes_per_parameter + (parameters(card.architecture) - linear) * 2


def kv_bytes_per_token(a: Architecture, *, tensor_parallel: int, kv_bytes: int) -> int:
    """Bytes of KV cache that one token takes on each GPU. Beyond one KV head a GPU the heads are replicated."""
    return 2 * a.layers * max(1, a.kv_heads // tensor_parallel) * a.head_dim * kv_bytes


def batch_bytes(a: Architecture, batch: Batch, *, tensor_parallel: int) -> float:
    """Bytes a GPU that a batch takes beyond the default one. An estimate, not measured.

    Per token: hidden states (four of them in flight, not divided), query, key and value, and the MLP's three vectors;
    of experts, eight are counted a token. Per sequence: logits in FP32, twice.
    """
    experts = 1 if a.kind == "dense" else 8
    divided = (a.heads + 2 * a.kv_heads) * a.head_dim + 3 * experts * a.intermediate_size
    per_token = 2 * (4 * a.hidden_size + divided / tensor_parallel)
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
    runtime = RUNTIME_BYTES + batch_bytes(card.architecture, batch, tensor_parallel=tensor_parallel)
    return EngineMemory(
        weights=weights,
        kv_per_token=kv_bytes_per_token(
            card.architecture, tensor_parallel=tensor_parallel, kv_bytes=kv_cache_dtype.bytes
        ),
        kv_budget=gpus.memory_mib * MIB * gpu_memory_utilization - weights - runtime,
        max_model_len=max_model_len,
        batch=batch,
    )


def divides(a: Architecture, tensor_parallel: int) -> bool:
    """Whether heads and KV heads can be dealt out evenly to that many GPUs."""
    even_kv = a.kv_heads % tensor_parallel == 0 or tensor_parallel % a.kv_heads == 0
    return a.heads % tensor_parallel == 0 and even_kv
