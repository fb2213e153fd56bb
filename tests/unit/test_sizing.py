"""Memory arithmetic against published values for Llama-3.3-70B on H200, and its rules for all models."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import sizing
from catalog.contracts import KvCacheDtype
from catalog.engines import engine as catalog_engine
from catalog.machines import Gpus, gpu_machine
from catalog.models import card, card_names
from catalog.models.attention import GroupedQuery, Hybrid, Latent
from catalog.sizing import GIB

VLLM = catalog_engine("vllm")


def h200() -> Gpus:
    return gpu_machine("a3-ultragpu-8g").gpus


@dataclass(frozen=True)
class Case:
    card: str
    tensor_parallel: int
    weights_gib: float
    kv_kib_per_token: int
    budget_gib: float
    tokens: int
    sequences: int


# Worked out by hand from config.json; 131,072 tokens a sequence.
CASES = [
    Case("llama-3.3-70b-instruct", 1, 131.42, 320, -5.75, 0, 0),
    Case("llama-3.3-70b-instruct", 2, 65.71, 160, 59.96, 392_960, 2),
    Case("llama-3.3-70b-instruct", 4, 32.85, 80, 92.82, 1_216_546, 9),
    Case("llama-3.3-70b-instruct", 8, 16.43, 40, 109.24, 2_863_718, 21),
    Case("llama-3.3-70b-instruct-fp8", 1, 67.67, 320, 58.00, 190_063, 1),
    Case("llama-3.3-70b-instruct-fp8", 4, 16.92, 80, 108.75, 1_425_442, 10),
]


def engine(name: str, tensor_parallel: int, *, kv: KvCacheDtype = KvCacheDtype.AUTO, length: int = 131_072):
    return sizing.engine_memory(
        VLLM,
        card(name),
        h200(),
        tensor_parallel=tensor_parallel,
        max_model_len=length,
        kv_cache_dtype=kv,
        share=0.92,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.card}-tp{c.tensor_parallel}")
def test_known_memory(case: Case) -> None:
    memory = engine(case.card, case.tensor_parallel)
    assert round(memory.weights / GIB, 2) == case.weights_gib
    assert memory.kv_per_token == case.kv_kib_per_token * 1024
    assert round(memory.kv_budget / GIB, 2) == case.budget_gib
    assert (memory.kv_tokens, memory.full_sequences) == (case.tokens, case.sequences)
    assert memory.fits is (case.sequences > 0)


def test_parameters_of_llama_70b() -> None:
    assert sizing.parameters(card("llama-3.3-70b-instruct")) == 70_553_706_496


def test_weights_of_experts_are_those_of_the_index() -> None:
    assert sizing.weights_bytes(card("gpt-oss-120b")) == 65_248_815_744


def test_tied_embeddings_are_counted_once() -> None:
    tied = card("qwen3-0.6b")
    shape = tied.architecture
    untied = tied.model_copy(update={"architecture": shape.model_copy(update={"tied_embeddings": False})})
    assert sizing.parameters(untied) - sizing.parameters(tied) == shape.vocab_size * shape.hidden_size


def test_an_fp8_cache_holds_twice_the_tokens() -> None:
    two, one = engine("qwen3-32b", 4), engine("qwen3-32b", 4, kv=KvCacheDtype.FP8)
    assert one.kv_per_token * 2 == two.kv_per_token
    assert one.kv_tokens // 2 == two.kv_tokens


def grouped(heads: int, kv_heads: int) -> GroupedQuery:
    return GroupedQuery(kind="gqa", heads=heads, kv_heads=kv_heads, head_dim=128)


@given(st.sampled_from(card_names()), st.sampled_from([1, 2, 4]), st.integers(1, 40_960))
def test_more_gpus_never_hold_less(name: str, tensor_parallel: int, length: int) -> None:
    fewer, more = engine(name, tensor_parallel, length=length), engine(name, tensor_parallel * 2, length=length)
    assert more.weights < fewer.weights
    assert more.kv_per_token <= fewer.kv_per_token
    assert more.kv_tokens >= fewer.kv_tokens
    assert more.full_sequences >= fewer.full_sequences


@given(st.integers(1, 128), st.integers(1, 16), st.integers(1, 16))
def test_what_divides_gives_every_gpu_the_same(heads: int, kv_heads: int, tensor_parallel: int) -> None:
    if grouped(heads, kv_heads).divides(tensor_parallel):
        assert heads % tensor_parallel == 0
        assert max(kv_heads, tensor_parallel) % min(kv_heads, tensor_parallel) == 0


def test_replicated_kv_heads_save_nothing_further() -> None:
    few = grouped(64, 4)
    assert few.elements_per_token(80, 4) == few.elements_per_token(80, 8)


# DeepSeek-R1's numbers, of its config.json; 70,272 bytes a token in BF16 whatever the tensor parallel size is.
LATENT = Latent(kind="mla", heads=128, kv_lora_rank=512, rope_head_dim=64)


@pytest.mark.parametrize("tensor_parallel", [1, 2, 4, 8])
def test_latent_attention_holds_the_whole_vector_on_every_gpu(tensor_parallel: int) -> None:
    assert LATENT.elements_per_token(61, tensor_parallel) * 2 == 70_272
    assert LATENT.elements_in_window(61, tensor_parallel) == 0
    assert LATENT.divides(tensor_parallel)


def test_latent_attention_is_divided_by_its_heads_only() -> None:
    assert LATENT.divides(128)
    assert not LATENT.divides(3)


def test_layers_with_a_window_stop_growing() -> None:
    """gpt-oss-120b: half of 36 layers keep the whole context, 36,864 bytes a token; the others 128 tokens and what is
    in flight."""
    at = {length: engine("gpt-oss-120b", 1, length=length) for length in (4_096, 32_768, 131_072)}
    assert {memory.kv_per_token for memory in at.values()} == {36_864}
    assert at[4_096].kv_in_windows == (4_096 + 128) * 36_864
    assert at[32_768].kv_in_windows == at[131_072].kv_in_windows == (127 + 2 * 8192 + 128) * 36_864
    for memory in at.values():
        assert memory.kv_per_sequence * memory.full_sequences <= memory.kv_budget
        assert memory.full_sequences * memory.max_model_len <= memory.kv_tokens


def test_a_hybrid_never_holds_fewer_tokens_than_if_all_layers_saw_everything() -> None:
    hybrid = card("gpt-oss-120b")
    assert isinstance(hybrid.attention, Hybrid)
    plain = grouped(hybrid.attention.heads, hybrid.attention.kv_heads).model_copy(update={"head_dim": 64})
    full = plain.elements_per_token(hybrid.architecture.layers, 1)
    assert hybrid.attention.elements_per_token(36, 1) + hybrid.attention.elements_in_window(36, 1) == full
