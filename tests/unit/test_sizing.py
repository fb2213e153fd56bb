"""Memory arithmetic against published values for Llama-3.3-70B on H200, and its rules for all models."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import sizing
from catalog.contracts import KvCacheDtype
from catalog.machines import GPU_MACHINE, Gpus, machine
from catalog.models import Architecture, card, card_names
from catalog.sizing import GIB


def h200() -> Gpus:
    gpus = machine(GPU_MACHINE).gpus
    assert gpus is not None
    return gpus


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
        card(name),
        h200(),
        tensor_parallel=tensor_parallel,
        max_model_len=length,
        kv_cache_dtype=kv,
        gpu_memory_utilization=0.92,
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
    assert sizing.parameters(card("llama-3.3-70b-instruct").architecture) == 70_553_706_496


def test_weights_of_experts_are_those_of_the_index() -> None:
    assert sizing.weights_bytes(card("gpt-oss-120b")) == 65_248_815_744


def test_tied_embeddings_are_counted_once() -> None:
    tied = card("qwen3-0.6b").architecture
    untied = tied.model_copy(update={"tied_embeddings": False})
    assert sizing.parameters(untied) - sizing.parameters(tied) == tied.vocab_size * tied.hidden_size


def test_an_fp8_cache_holds_twice_the_tokens() -> None:
    two, one = engine("qwen3-32b", 4), engine("qwen3-32b", 4, kv=KvCacheDtype.FP8)
    assert one.kv_per_token * 2 == two.kv_per_token
    assert one.kv_tokens // 2 == two.kv_tokens


def architecture(heads: int, kv_heads: int) -> Architecture:
    return card("qwen3-32b").architecture.model_copy(update={"heads": heads, "kv_heads": kv_heads})


@given(st.sampled_from(card_names()), st.sampled_from([1, 2, 4]), st.integers(1, 40_960))
def test_more_gpus_never_hold_less(name: str, tensor_parallel: int, length: int) -> None:
    fewer, more = engine(name, tensor_parallel, length=length), engine(name, tensor_parallel * 2, length=length)
    assert more.weights < fewer.weights
    assert more.kv_per_token <= fewer.kv_per_token
    assert more.kv_tokens >= fewer.kv_tokens
    assert more.full_sequences >= fewer.full_sequences


@given(st.integers(1, 128), st.integers(1, 16), st.integers(1, 16))
def test_what_divides_gives_every_gpu_the_same(heads: int, kv_heads: int, tensor_parallel: int) -> None:
    if sizing.divides(architecture(heads, kv_heads), tensor_parallel):
        assert heads % tensor_parallel == 0
        assert max(kv_heads, tensor_parallel) % min(kv_heads, tensor_parallel) == 0


def test_replicated_kv_heads_save_nothing_further() -> None:
    few = architecture(64, 4)
    four, eight = (sizing.kv_bytes_per_token(few, tensor_parallel=tp, kv_bytes=2) for tp in (4, 8))
    assert four == eight
