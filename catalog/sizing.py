"""Memory of one engine: whether the model fits, and how much KV cache is left. Arithmetic over config.json.

The KV cache per token depends on the kind of attention (`catalog.models.attention`). Weights are the sum over layers
for dense models with grouped-query attention, else the total of the safetensors index. The engine predicts its own
overhead.
"""

from dataclasses import dataclass

from catalog.contracts import KvCacheDtype, MemoryInput
from catalog.engines import Engine
from catalog.formats import weight_bytes
from catalog.machines import Gpus
from catalog.models import Card

GIB = 1024**3
MIB = 1024**2

# Max tokens of a verification request, prompt and answer: 400 words of up to 3 tokens, a first word of 16 hexadecimal
# digits, up to 128 tokens that the model's chat template adds, and an answer of 32 tokens.
VERIFICATION_TOKENS = 400 * 3 + 16 + 128 + 32


@dataclass(frozen=True, kw_only=True)
class EngineMemory:
    """Memory of one engine: bytes are per GPU, token and sequence counts for the whole engine."""

    weights: float
    kv_per_token: int
    """KV cache that a token needs for the lifetime of its sequence."""
    kv_in_windows: int = 0
    """KV cache of one sequence in sliding-window layers, independent of its length."""
    states: int = 0
    """Memory of one sequence in layers with a constant state, independent of its length."""
    kv_budget: float
    """Memory left for the KV cache; negative if the weights alone do not fit."""
    overhead: float
    """Memory that the engine itself uses."""
    overhead_source: str
    """Source of `overhead`: measured, documented or estimated."""
    max_model_len: int
    advice: str | None = None
    """How to get more KV cache; a clause without its full stop."""

    @property
    def kv_per_sequence(self) -> int:
        """KV cache of one sequence of the max length."""
        return self.max_model_len * self.kv_per_token + self.kv_in_windows + self.states

    @property
    def kv_tokens(self) -> int:
        """Tokens that fit, in sequences of the max length; where no such sequence fits, in one shorter sequence."""
        constant = max(1, self.full_sequences) * (self.kv_in_windows + self.states)
        return max(0, int((self.kv_budget - constant) // self.kv_per_token))

    @property
    def full_sequences(self) -> int:
        """Sequences of the max length that always fit at the same time; typical load may allow more."""
        return max(0, int(self.kv_budget // self.kv_per_sequence))

    @property
    def fits(self) -> bool:
        return self.full_sequences >= 1


def linear_parameters(card: Card) -> int:
    """Parameters of attention and MLP of a dense model with grouped-query attention."""
    a, its = card.architecture, card.attention
    assert its.kind != "mla"  # such a card has weights.totalBytes,
    assert its.kind != "linear"  # as has one of this kind
    attention = a.hidden_size * its.head_dim * (its.heads + 2 * its.kv_heads) + its.heads * its.head_dim * a.hidden_size
    return a.layers * (attention + 3 * a.hidden_size * a.intermediate_size)


def parameters(card: Card) -> int:
    """All parameters of a dense model with grouped-query attention: 70,553,706,496 for Llama-3.3-70B."""
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


def engine_memory(
    engine: Engine,
    card: Card,
    gpus: Gpus,
    *,
    tensor_parallel: int,
    max_model_len: int,
    kv_cache_dtype: KvCacheDtype,
    share: float,
    arguments: tuple[str, ...] = (),
) -> EngineMemory:
    """The memory of one engine that serves `card` on `tensor_parallel` GPUs and gets a share of their memory."""
    weights = weights_bytes(card) / tensor_parallel
    use = engine.memory(
        card,
        MemoryInput(
            gpu=gpus.product,
            gpu_bytes=gpus.memory_mib * MIB,
            weights=weights,
            share=share,
            tensor_parallel=tensor_parallel,
            max_model_len=max_model_len,
            arguments=arguments,
        ),
    )
    layers, kv_bytes = card.architecture.layers, kv_cache_dtype.bytes
    in_window = card.attention.elements_in_window(layers, tensor_parallel) * kv_bytes
    return EngineMemory(
        weights=weights,
        kv_per_token=card.attention.elements_per_token(layers, tensor_parallel) * kv_bytes,
        kv_in_windows=in_window * use.window_tokens,
        states=card.attention.bytes_per_sequence(tensor_parallel),
        kv_budget=use.kv_cache,
        overhead=use.overhead,
        overhead_source=use.source,
        max_model_len=max_model_len,
        advice=use.advice,
    )
