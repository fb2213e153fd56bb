"""The tensor-parallel sizes of prefill and decode between which vLLM's NIXL connector can move KV cache."""

from catalog.models.attention import Attention

# Backends whose KV cache scatters the tokens of a head: `FlexAttentionBackend.supported_kv_cache_layouts`.
_HEADS_SCATTERED = ("FLEX_ATTENTION",)


def refusal(attention: Attention, *, prefill: int, decode: int, backend: str | None = None) -> str | None:
    """Why decode cannot read prefill's KV cache, as words that follow the two sizes; None where decode can.

    vLLM 0.31.0, `vllm.distributed.kv_transfer.kv_connector`: `utils.TransferTopology.tp_ratio` asserts that one size
    divides the other. `v1.nixl.base_worker.NixlBaseConnectorWorker._validate_remote_agent_handshake` asserts that
    prefill does not replicate KV heads where it has more GPUs than decode. Both fail at the first request, not at
    start. Decode may always have more GPUs than prefill, also more than KV heads. Multi-head latent attention and
    hybrids with a linear state are exempt from the second rule. The same method raises where different sizes would
    divide heads that are not contiguous in the KV cache, which follows from the attention backend of both roles.
    """
    larger, smaller = max(prefill, decode), min(prefill, decode)
    if larger % smaller:
        return "one must be a multiple of the other, so that each GPU reads whole KV heads"
    if attention.kind not in ("mla", "linear") and prefill > decode and prefill > attention.kv_heads:
        return (
            f"with more GPUs than the {attention.kv_heads} KV heads prefill holds each head more than once, and decode "
            "cannot read such a cache with fewer GPUs"
        )
    if prefill != decode and backend in _HEADS_SCATTERED and attention.kind != "mla" and prefill <= attention.kv_heads:
        return f"{backend} scatters the tokens of a KV head, so NIXL moves its cache between equal sizes only"
    return None
