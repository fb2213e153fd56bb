"""TensorRT-LLM's use of a GPU's memory beyond weights and KV cache: estimates, not measured."""

from catalog.contracts import MemoryInput, MemoryUse
from catalog.flags.given import Given
from catalog.models import Card
from catalog.sizing import GIB

# Runtime, activations of a batch of DEFAULT_TOKENS, NCCL buffers and CUDA graphs. vLLM's value, for lack of another.
RUNTIME_BYTES = 3.5 * GIB
# Dynamo's own --max-num-tokens and --max-batch-size.
DEFAULT_TOKENS = 8192
DEFAULT_SEQUENCES = 2048
SOURCE = (
    "an estimate, not measured: runtime and activations as for vLLM, and one transfer buffer of the longest sequence. "
    "TensorRT-LLM measures itself when it starts, and gives the KV cache its share of what is free then"
)


def memory(card: Card, inputs: MemoryInput, given: Given, block_size: int) -> MemoryUse:
    """Memory of one GPU. The KV cache gets its share of the memory left by weights and runtime; the transfer buffer
    must fit the rest.

    Aggregated layouts need no buffer but count one too. Whether TensorRT-LLM allocates one depends on the transfer
    runtime, which it chooses itself.
    """
    tokens = given.number("--max-num-tokens") or DEFAULT_TOKENS
    sequences = given.number("--max-batch-size") or DEFAULT_SEQUENCES
    overhead = RUNTIME_BYTES + _activations(card, tokens, inputs.tensor_parallel) + _logits(card, sequences)
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
        advice=_advice(tokens, sequences),
    )


def tokens_in_buffer(max_model_len: int, block_size: int) -> int:
    """Tokens of a transfer buffer for the longest prompt, in whole blocks. A smaller buffer hangs under load."""
    return -(-max_model_len // block_size) * block_size


def _advice(tokens: int, sequences: int) -> str | None:
    if tokens > DEFAULT_TOKENS:
        return f"smaller batches than {tokens} tokens leave more"
    return f"fewer than {sequences} sequences in a batch leave more" if sequences > DEFAULT_SEQUENCES else None


def _logits(card: Card, sequences: int) -> float:
    """Bytes per GPU that more sequences than the default add: per sequence, logits and their probabilities in FP32."""
    return max(0, sequences - DEFAULT_SEQUENCES) * 2 * 4 * card.architecture.vocab_size


def _activations(card: Card, tokens: int, tensor_parallel: int) -> float:
    """Bytes per GPU that a batch larger than the default adds: per token, four hidden states and three MLP vectors."""
    a = card.architecture
    experts = 1 if a.kind == "dense" else 8
    per_token = 2 * (4 * a.hidden_size + 3 * experts * a.intermediate_size / tensor_parallel)
    return max(0, tokens - DEFAULT_TOKENS) * per_token
