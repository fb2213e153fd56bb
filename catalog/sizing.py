"""Whether a model fits an engine and how much KV cache is left: arithmetic over config.json.

The kind of attention says what a token keeps in the KV cache (`catalog.models.attention`). Weights are the sum over
layers for dense models with grouped-query attention, else those of the safetensors index. What an engine takes for
itself, the engine says.
"""

from dataclasses import dataclass

from catalog.contracts import KvCacheDtype, MemoryInput
from catalog.engines import Engine
from catalog.formats import weight_bytes
from catalog.machines import Gpus
from catalog.models import Card

GIB = 1024**3
MIB = 1024**2

# Tokens of a verification's request, prompt and answer: 400 words of up to 3 tokens, a first word of 16 hexadecimal
# digits, up to 128 tokens that the model's chat template adds, and an answer of 32.
VERIFICATION_TOKENS = 400 * 3 + 16 + 128 + 32


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
    advice: str | None = None
    """What would leave more for the KV cache; a clause without its full stop."""

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
    """The memory of one engine with `card` over `tensor_parallel` GPUs, of whose memory it gets a share."""
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
        kv_budget=use.kv_cache,
        max_model_len=max_model_len,
        advice=use.advice,
    )
