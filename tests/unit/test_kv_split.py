"""Tensor parallel sizes of prefill and decode, as the engine's own handshake judges them."""

from itertools import product

import pytest

from catalog.engines.vllm import kv_split
from catalog.models import Card, card
from catalog.models.attention import Latent
from reading.errors import Error
from tests.stacks import errors, planned

SIZES = (1, 2, 4, 8)

# What `_validate_remote_agent_handshake` of vLLM 0.31.0 refused of all pairs of SIZES, when it was called with each:
# KV heads → (prefill, decode).
REFUSED = {
    1: {(2, 1), (4, 1), (4, 2), (8, 1), (8, 2), (8, 4)},
    2: {(4, 1), (4, 2), (8, 1), (8, 2), (8, 4)},
    4: {(8, 1), (8, 2), (8, 4)},
    8: set[tuple[int, int]](),
}


def with_kv_heads(heads: int) -> Card:
    chosen = card("llama-3.3-70b-instruct")
    return chosen.model_copy(update={"attention": chosen.attention.model_copy(update={"kv_heads": heads})})


@pytest.mark.parametrize("heads", REFUSED)
def test_the_engine_and_the_check_refuse_the_same_pairs(heads: int) -> None:
    attention = with_kv_heads(heads).attention
    refused = {(p, d) for p, d in product(SIZES, SIZES) if kv_split.refusal(attention, prefill=p, decode=d)}
    assert refused == REFUSED[heads]


@pytest.mark.parametrize(("prefill", "decode"), [(2, 3), (3, 2), (4, 6)])
def test_one_size_divides_the_other(prefill: int, decode: int) -> None:
    refused = kv_split.refusal(with_kv_heads(12).attention, prefill=prefill, decode=decode)
    assert refused is not None
    assert "multiple of the other" in refused


def test_latent_attention_knows_no_replicated_heads() -> None:
    latent = Latent(kind="mla", heads=128, kv_lora_rank=512, rope_head_dim=64)
    assert kv_split.refusal(latent, prefill=8, decode=4) is None
    assert kv_split.refusal(latent, prefill=3, decode=2) is not None


@pytest.mark.parametrize("given", [["--attention-backend", "FLEX_ATTENTION"], ["-ac", '{"backend": "FLEX_ATTENTION"}']])
@pytest.mark.parametrize(("prefill", "decode"), [(8, 4), (4, 8), (8, 8), (4, 4)])
def test_a_backend_that_scatters_heads_needs_equal_sizes(given: list[str], prefill: int, decode: int) -> None:
    sizes = {"models.chat.prefill.tensorParallel": prefill, "models.chat.decode.tensorParallel": decode}
    found = errors(sizes | {"models.chat.engine.extraArgs": given})
    assert [error.path for error in found] == ["models.chat.decode.tensorParallel"] * (prefill != decode)
    assert all("FLEX_ATTENTION scatters the tokens of a KV head" in error.message for error in found)


@pytest.mark.parametrize(("prefill", "decode"), [(8, 4), (8, 2), (4, 8), (4, 2), (2, 8)])
def test_prefill_may_have_more_gpus_than_decode(prefill: int, decode: int) -> None:
    sizes = {"models.chat.prefill.tensorParallel": prefill, "models.chat.decode.tensorParallel": decode}
    graph = planned(sizes).graphs[0]
    assert [worker.tensor_parallel for worker in graph.workers] == [prefill, decode]


def test_replicated_kv_heads_of_a_larger_prefill_are_rejected_with_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planning.resolve.card", lambda _: with_kv_heads(4))
    assert errors({"models.chat.decode.tensorParallel": 4}) == (
        Error(
            "models.chat.decode.tensorParallel",
            "4 is incompatible with prefill's 8: with more GPUs than the 4 KV heads prefill holds each head more than "
            "once, and decode cannot read such a cache with fewer GPUs; set decode.tensorParallel to 8, or set "
            "prefill.tensorParallel to 4",
        ),
    )
