"""What TensorRT-LLM takes of a GPU's memory beside weights and KV cache: estimates, since nobody measured it here."""

from catalog.contracts import MemoryInput, MemoryUse
from catalog.flags.given import Given
from catalog.models import Card
from catalog.sizing import GIB

# Runtime, activations of a batch of DEFAULT_TOKENS, NCCL buffers and CUDA graphs. As for vLLM, in want of a number.
RUNTIME_BYTES = 3.5 * GIB
# The engine's own --max-num-tokens.
DEFAULT_TOKENS = 8192
SOURCE = (
    "an estimate, not measured: runtime and activations as for vLLM, and one transfer buffer of the longest sequence. "
    "TensorRT-LLM measures itself when it starts, and gives the KV cache its share of what is free then"
)


def memory(card: Card, inputs: MemoryInput, given: Given, block_size: int) -> MemoryUse:
    """The KV cache gets its share of what is free beside weights and runtime; the transfer buffer must fit the rest.

    The buffer is counted for aggregated layouts too, which need none, and though TensorRT-LLM may move KV cache
    without: whether it allocates one depends on the runtime of the transfer, which it chooses itself.
    """
    tokens = _tokens(given)
    overhead = RUNTIME_BYTES + _activations(card, tokens, inputs.tensor_parallel)
    free = inputs.gpu_bytes - inputs.weights - overhead
    layers, buffered = card.architecture.layers, tokens_in_buffer(inputs.max_model_len, block_size)
    elements = card.attention.elements_per_token(layers, inputs.tensor_parallel)
    elements += card.attention.elements_in_window(layers, inputs.tensor_parallel)
    buffer = 2 * elements * buffered
    return MemoryUse(
        kv_cache=min(inputs.share * free, free - buffer),
        overhead=overhead,
        source=SOURCE,
        # Without kv_cache_config.max_attention_window, a list, layers with a window keep the whole sequence.
        window_tokens=inputs.max_model_len if card.attention.kind == "hybrid" else 0,
        advice=f"smaller batches than {tokens} tokens leave more" if tokens > DEFAULT_TOKENS else None,
    )


def tokens_in_buffer(max_model_len: int, block_size: int) -> int:
    """Tokens of a transfer buffer that holds the longest prompt, in whole blocks: a smaller one hangs under load."""
    return -(-max_model_len // block_size) * block_size


def _tokens(given: Given) -> int:
    try:
        return given.number("--max-num-tokens") or DEFAULT_TOKENS
    except ValueError:  # an error of its own
        return DEFAULT_TOKENS


def _activations(card: Card, tokens: int, tensor_parallel: int) -> float:
    """Bytes a GPU of a batch beyond the default one: four hidden states and the MLP's three vectors a token."""
    a = card.architecture
    experts = 1 if a.kind == "dense" else 8
    per_token = 2 * (4 * a.hidden_size + 3 * experts * a.intermediate_size / tensor_parallel)
    return max(0, tokens - DEFAULT_TOKENS) * per_token
