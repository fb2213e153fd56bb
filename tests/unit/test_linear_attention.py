"""Models with layers of linear state: what a card says, what it takes of memory, and what engines need to move it."""

from itertools import product
from typing import Any

import pytest

from catalog import sizing
from catalog.contracts import KvCacheDtype
from catalog.engines import engine
from catalog.engines.sglang import kv_split as sglang_split
from catalog.engines.sglang.memory import STATE_RATIO
from catalog.engines.vllm import kv_split as vllm_split
from catalog.machines import gpu_machine
from catalog.models import Card, card, config_json
from catalog.models.attention import Linear
from manifests.graph import build
from ops.offline.recording import record
from ops.offline.verdicts import judge
from ops.report.objects import objects
from planning import resolve
from tests import strict
from tests.stacks import ROOT, config, errors, planned

# The shape of Qwen3-Next-80B-A3B as its config.json has it.
QWEN3_NEXT: dict[str, Any] = {
    "architectures": ["Qwen3NextForCausalLM"], "hidden_size": 2048, "num_hidden_layers": 48, "vocab_size": 151936,
    "num_attention_heads": 16, "num_key_value_heads": 2, "head_dim": 256, "full_attention_interval": 4,
    "linear_num_value_heads": 32, "linear_value_head_dim": 128, "linear_num_key_heads": 16, "linear_key_head_dim": 128,
    "linear_conv_kernel_dim": 4, "num_experts": 512, "num_experts_per_tok": 10, "moe_intermediate_size": 512,
    "max_position_embeddings": 262144,
}  # fmt: skip
LINEAR = Linear(
    kind="linear", heads=16, kv_heads=2, head_dim=256, full_layers=12, linear_layers=36, state_heads=16,
    state_elements=32 * 128 * 128, conv_elements=(2 * 16 * 128 + 32 * 128) * 3,
)  # fmt: skip


@pytest.fixture
def hybrid(monkeypatch: pytest.MonkeyPatch) -> Card:
    """A card of that shape under the name of a shipped one."""
    shipped = card("gpt-oss-120b")
    facts = config_json.read(QWEN3_NEXT)
    plain = shipped.to_wire() | {
        "architecture": facts.architecture | {"source": "test"}, "attention": facts.attention, "engineArgs": {},
        "layouts": {}, "weights": {"format": "bf16", "totalBytes": 162_000_000_000},
    }  # fmt: skip
    made = Card.from_wire(plain)
    monkeypatch.setattr(resolve, "card", lambda _: made)
    return made


def stack(runs: str = "vllm", layout: str = "multi-node", **more: object) -> dict[str, Any]:
    chat = {"model": "gpt-oss-120b", "layout": layout, "engine": {"name": runs, **more}}
    return {"models.chat": chat, "labels": {"owner": "ml-platform", "costCenter": "1234"}}


def test_the_facts_are_those_of_config_json() -> None:
    assert Linear.from_wire(config_json.read(QWEN3_NEXT).attention) == LINEAR
    listed = ["linear_attention", "linear_attention", "linear_attention", "full_attention"] * 12
    assert config_json.read({**QWEN3_NEXT, "layer_types": listed}) == config_json.read(QWEN3_NEXT)


@pytest.mark.parametrize(
    "change",
    [{"layer_types": ["full_attention"] * 48}, {"layer_types": ["mamba"] * 48}, {"layer_types": "all"},
     {"linear_num_value_heads": None}, {"linear_conv_kernel_dim": 0}, {"full_attention_interval": 96}],
)  # fmt: skip
def test_a_config_that_does_not_add_up_is_rejected(change: dict[str, Any]) -> None:
    with pytest.raises(config_json.ConfigNotRead, match=r"layer|linear"):
        config_json.read({**QWEN3_NEXT, **change})


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16])
def test_a_state_does_not_grow_with_the_sequence_and_is_divided_over_the_gpus(size: int) -> None:
    assert LINEAR.divides(size)
    assert LINEAR.elements_in_window(48, size) == 0
    assert LINEAR.bytes_per_sequence(size) == 36 * (2 * 24_576 + 4 * 524_288) // size
    assert LINEAR.elements_per_token(48, size) == 2 * 12 * max(1, 2 // size) * 256


def test_the_heads_of_the_state_limit_the_sizes_too() -> None:
    few = LINEAR.model_copy(update={"state_heads": 4})
    assert [size for size in (1, 2, 3, 4, 8, 16) if few.divides(size)] == [1, 2, 4]
    assert not LINEAR.divides(3)


def test_memory_counts_one_state_a_sequence_whatever_the_dtype_of_the_kv_cache(hybrid: Card) -> None:
    gpus = gpu_machine("a3-ultragpu-8g").gpus
    found = {
        (dtype, length): sizing.engine_memory(
            engine("vllm"), hybrid, gpus, tensor_parallel=4, max_model_len=length, kv_cache_dtype=dtype, share=0.9
        )
        for dtype, length in product(KvCacheDtype, (4_096, 65_536))
    }
    state = LINEAR.bytes_per_sequence(4)
    for (dtype, length), memory in found.items():
        assert memory.states == state
        assert memory.kv_per_token == 12 * 2 * 256 * dtype.bytes
        assert memory.kv_per_sequence == length * memory.kv_per_token + state
        assert memory.full_sequences * memory.kv_per_sequence <= memory.kv_budget
        assert memory.kv_tokens * memory.kv_per_token + memory.full_sequences * state <= memory.kv_budget


def test_sglang_sets_memory_aside_for_the_states(hybrid: Card) -> None:
    gpus = gpu_machine("a3-ultragpu-8g").gpus
    plain = hybrid.model_copy(update={"attention": card("qwen3-32b").attention})

    def budget(of: Card) -> float:
        return sizing.engine_memory(
            engine("sglang"), of, gpus, tensor_parallel=4, max_model_len=4096, kv_cache_dtype=KvCacheDtype.AUTO,
            share=0.9,
        ).kv_budget  # fmt: skip

    assert budget(hybrid) == pytest.approx(budget(plain) / (1 + STATE_RATIO))


@pytest.mark.parametrize(("prefill", "decode"), list(product((1, 2, 4, 8), repeat=2)))
def test_every_size_that_divides_the_other_moves_a_state(prefill: int, decode: int) -> None:
    for split in (vllm_split, sglang_split):
        assert split.refusal(LINEAR, prefill=prefill, decode=decode) is None
        assert split.refusal(LINEAR, prefill=3, decode=2)


@pytest.mark.usefixtures("hybrid")
@pytest.mark.parametrize(("prefill", "decode"), [(8, 2), (2, 8), (8, 8)])
def test_prefill_may_have_more_gpus_than_kv_heads(prefill: int, decode: int) -> None:
    sizes = {"models.chat.prefill.tensorParallel": prefill, "models.chat.decode.tensorParallel": decode}
    assert errors(stack() | sizes) == ()


def environment(changes: dict[str, Any]) -> list[str | None]:
    plan = planned(changes)
    pods = [
        c.pod_template.spec.containers[0] for c in build(plan.graphs[0], {}).spec.components if c.name != "frontend"
    ]
    return [next((v.value for v in pod.env if v.name == "VLLM_SSM_CONV_STATE_LAYOUT"), None) for pod in pods]


def test_both_roles_of_vllm_lay_the_state_out_as_nixl_needs_it(hybrid: Card) -> None:
    assert environment(stack()) == ["DS", "DS"]
    assert environment(stack(layout="aggregated")) == [None]
    assert environment(stack("sglang")) == [None, None]


def test_other_models_get_no_such_variable() -> None:
    assert environment(stack()) == [None, None]


@pytest.mark.usefixtures("hybrid")
@pytest.mark.parametrize("runs", ["vllm", "sglang", "trtllm"])
def test_the_whole_program_of_such_a_model_is_valid(runs: str) -> None:
    recording = record(ROOT, config(stack(runs)))
    assert strict.errors(objects(recording)) == []
    assert [verdict.message for verdict in judge(recording, {}) if verdict.mandatory] == []


@pytest.mark.usefixtures("hybrid")
def test_what_breaks_the_transfer_of_a_state_is_rejected() -> None:
    mtp = ["--speculative-config", '{"method": "mtp", "num_speculative_tokens": 1}']
    (found,) = errors(stack(extraArgs=mtp))
    assert "with layers of linear state it crashes when KV cache moves" in found.message
    (found,) = errors(stack(extraArgs=["--disable-hybrid-kv-cache-manager"]))
    assert "has layers with a linear state, which NIXL moves only with it" in found.message


@pytest.mark.usefixtures("hybrid")
def test_what_is_not_known_of_such_models_is_said() -> None:
    assert any("has layers with a linear state" in warning for warning in planned(stack()).warnings)


@pytest.mark.usefixtures("hybrid")
@pytest.mark.parametrize(("prefill", "decode", "said"), [(8, 2, True), (2, 8, True), (8, 8, False), (4, 4, False)])
def test_blocks_of_different_sizes_are_said(prefill: int, decode: int, said: bool) -> None:
    sizes = {"models.chat.prefill.tensorParallel": prefill, "models.chat.decode.tensorParallel": decode}
    warnings = planned(stack() | sizes).warnings
    assert any("get blocks of different sizes" in warning for warning in warnings) is said
