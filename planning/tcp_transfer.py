"""Estimate of the time that KV cache over TCP adds to the first token of a deployment."""

from planning.deployments import Deployment

# A user's report of NIXL over TCP, bytes per second.
REPORTED_SPEED = 0.5e9
PROMPT_TOKENS = 4000


def prompt_bytes(deployment: Deployment, tokens: int) -> int:
    """Bytes that prefill sends to decode for a prompt, over all GPUs of an engine."""
    attention, layers = deployment.card.attention, deployment.card.architecture.layers
    in_window = min(tokens, attention.window) if attention.kind == "hybrid" else 0
    elements = attention.elements_per_token(layers, 1) * tokens + attention.elements_in_window(layers, 1) * in_window
    return elements * deployment.settings.engine.kv_cache_dtype.bytes + attention.bytes_per_sequence(1)


def first_token_by_tcp(deployment: Deployment) -> str:
    """A clause: the estimate for the deployment's model, and what NVIDIA reports of another one under load."""
    tokens = min(PROMPT_TOKENS, deployment.max_model_len)
    sent = prompt_bytes(deployment, tokens)
    return (
        f"the first token of a prompt of {tokens:,} tokens takes an estimated {sent / REPORTED_SPEED:.1f} s longer "
        f"({sent / 1e9:.2f} GB at 0.5 GB/s, which a user reported), and more under load: NVIDIA's guide reports "
        "98 s in place of 0.2 to 0.5 s for its setup, 200 to 500 times as long"
    )
