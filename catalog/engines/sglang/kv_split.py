"""Tensor parallel sizes of prefill and decode between which SGLang can move a KV cache over NIXL."""

from catalog.models.attention import Attention


def refusal(attention: Attention, *, prefill: int, decode: int) -> str | None:
    """Why decode cannot get KV cache from prefill, in words that follow the two sizes; None if it can.

    The sizes count the GPUs of attention: of each group if attention is data parallel. In SGLang 0.5.21
    `CommonKVManager._resolve_rank_mapping` in sglang/srt/disaggregation/common/conn.py divides one by the other without
    a check, and `maybe_send_extra` in disaggregation/nixl/conn.py raises for sliding windows if they differ. Both fail
    at the first request, not at start.
    """
    larger, smaller = max(prefill, decode), min(prefill, decode)
    if larger % smaller:
        return "one must be a multiple of the other, so that each GPU gets whole KV heads"
    if attention.kind == "hybrid" and prefill != decode:
        return "SGLang moves the KV cache of layers with a sliding window between equal sizes only"
    return None
