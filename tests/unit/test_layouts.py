"""Layouts by rule: the shipped cards' on the machine that they were worked out for, and any card's on any machine."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catalog import layouts, sizing
from catalog.contracts import KvCacheDtype, Role
from catalog.defaults import defaults
from catalog.engines import default_engine
from catalog.layouts import layouts_for, why_not
from catalog.machines import GpuMachine, gpu_machine
from catalog.models import Card, Placement, RoleLayout, card, card_names
from catalog.models.attention import GroupedQuery
from catalog.models.model_card import CardLayout
from tests import frozen_layouts
from tests.frozen_layouts import derived, frozen
from tests.stacks import errors
from tests.stacks import layouts as layouts_of


@pytest.mark.parametrize("name", frozen())
def test_layouts_of_shipped_cards_stay_as_they_were_deployed(name: str) -> None:
    assert derived(name) == frozen()[name]


def test_goldens_freeze_new_cards_and_keep_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new, changed = card_names()[:2]
    kept = frozen() | {changed: {"single-node": "shared 9x9 9x9"}}
    del kept[new]
    path = tmp_path / "frozen.yaml"
    path.write_text(yaml.safe_dump(kept), encoding="utf-8")
    monkeypatch.setattr(frozen_layouts, "FILE", path)
    path.write_text(frozen_layouts.with_new_cards(), encoding="utf-8")
    assert frozen() == kept | {new: derived(new)}


def node(count: int, memory_gib: int) -> GpuMachine:
    known = gpu_machine(defaults().machine)
    gpus = known.gpus.model_copy(update={"count": count, "memory_mib": memory_gib * 1024})
    return known.model_copy(update={"name": f"made-up-{count}g", "gpus": gpus})


def sizes(model: Card, on: GpuMachine) -> dict[str, list[tuple[int, int]]]:
    found = layouts_for(model, on, default_engine())
    return {name: [(r.replicas, r.tensor_parallel) for r in its.roles.values()] for name, its in found.items()}


def test_a_smaller_machine_gets_larger_engines() -> None:
    """Llama-3.3-70B in BF16 is 131 GiB: two GPUs of 96 GiB hold it and a sequence, or four of 44."""
    dense = card("llama-3.3-70b-instruct")
    assert sizes(dense, node(8, 96)) == {
        "simulated": [(1, 1), (1, 1)],
        "single-node": [(2, 2), (1, 4)],
        "multi-node": [(4, 2), (1, 8)],
        "aggregated": [(2, 4)],
        "multi-node-aggregated": [(4, 4)],
    }
    assert sizes(dense, node(8, 44)) == {
        "simulated": [(1, 1), (1, 1)],
        "single-node": [(1, 4), (1, 4)],
        "multi-node": [(2, 4), (1, 8)],
        "aggregated": [(2, 4)],
        "multi-node-aggregated": [(4, 4)],
    }


def test_one_gpu_a_node() -> None:
    """Two roles cannot share it; each gets its own nodes."""
    assert sizes(card("qwen3-0.6b"), node(1, 22)) == {
        "simulated": [(1, 1), (1, 1)],
        "multi-node": [(1, 1), (1, 1)],
        "aggregated": [(1, 1)],
        "multi-node-aggregated": [(2, 1)],
    }
    reason = why_not(card("qwen3-0.6b"), node(1, 22), default_engine(), "single-node")
    assert (
        reason
        == "single-node gives a role no whole GPU of made-up-1g, which has 1, and an engine of qwen3-0.6b needs 1"
    )


def test_a_model_too_large_for_a_node_has_no_layout_with_gpus() -> None:
    large = card("llama-3.3-70b-instruct")
    assert set(sizes(large, node(4, 22))) == {"simulated"}
    reason = why_not(large, node(4, 22), default_engine(), "aggregated")
    assert reason is not None
    assert reason.startswith(
        "llama-3.3-70b-instruct does not fit one made-up-4g: weights of 131.4 GiB and one sequence"
    )


def test_a_card_s_own_layout_holds_on_its_machines_only() -> None:
    own = CardLayout(
        machines=("made-up-8g",),
        placement=Placement.PER_ROLE,
        why="a recipe",
        worker=RoleLayout(replicas=3, tensor_parallel=2),
    )
    chosen = card("qwen3-0.6b").model_copy(update={"layouts": {"aggregated": own, "extra": own}})
    there, elsewhere = (layouts_for(chosen, on, default_engine()) for on in (node(8, 80), node(4, 80)))
    assert there["aggregated"] is there["extra"] is own
    assert "extra" not in elsewhere
    assert elsewhere["aggregated"].roles == {Role.WORKER: RoleLayout(replicas=4, tensor_parallel=1)}


def test_why_says_what_is_not_predicted() -> None:
    for name in card_names():
        for layout, its in layouts_of(name).items():
            assert layout in card(name).layouts or layout == "simulated" or "not predicted" in its.why


@given(
    st.sampled_from([1, 2, 3, 4, 6, 8, 16]),
    st.sampled_from([16, 22, 44, 80, 141, 279]),
    st.sampled_from(card_names()),
    st.sampled_from([(32, 8), (40, 8), (24, 3), (64, 4), (12, 12), (7, 1)]),
)
def test_what_a_rule_gives_can_be_built(count: int, memory: int, name: str, heads: tuple[int, int]) -> None:
    """Each engine holds the model, divides it and the node, and both roles fit the nodes that the rule gives them."""
    on, attention = node(count, memory), GroupedQuery(kind="gqa", heads=heads[0], kv_heads=heads[1], head_dim=64)
    chosen = card(name).model_copy(update={"attention": attention, "layouts": {}})
    for layout, its in layouts_for(chosen, on, default_engine()).items():
        if its.placement is Placement.CPU:
            continue
        for role in its.roles.values():
            assert attention.divides(role.tensor_parallel)
            assert count % role.tensor_parallel == 0
            memory_of_one = sizing.engine_memory(
                default_engine(), chosen, on.gpus, tensor_parallel=role.tensor_parallel,
                max_model_len=chosen.default_max_model_len, kv_cache_dtype=KvCacheDtype.AUTO,
                share=default_engine().memory_share,
            )  # fmt: skip
            assert memory_of_one.fits
        if its.prefill and its.decode:
            assert its.decode.tensor_parallel % its.prefill.tensor_parallel == 0
        nodes = {"single-node": 1, "multi-node": 2, "aggregated": 1, "multi-node-aggregated": 2}[layout]
        assert its.gpus <= nodes * count


def test_an_engine_that_moves_kv_cache_has_gpus_enough_for_a_nic() -> None:
    """A node of 16 GPUs and 8 NICs has none for an engine of one GPU; aggregated engines need none."""
    assert sizes(card("qwen3-0.6b"), node(16, 64)) == {
        "simulated": [(1, 1), (1, 1)],
        "single-node": [(4, 2), (4, 2)],
        "multi-node": [(8, 2), (8, 2)],
        "aggregated": [(16, 1)],
        "multi-node-aggregated": [(32, 1)],
    }


def test_a_machine_of_whole_node_workers_has_no_smaller_engine() -> None:
    whole = node(4, 180).model_copy(update={"whole_node_workers": True})
    assert sizes(card("qwen3-0.6b"), whole) == {
        "simulated": [(1, 1), (1, 1)],
        "multi-node": [(1, 4), (1, 4)],
        "aggregated": [(1, 4)],
        "multi-node-aggregated": [(2, 4)],
    }


def test_a_layout_that_the_machine_cannot_hold_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "_smallest", lambda *_: 8)
    (error,) = errors({"models.chat": {"model": "qwen3-0.6b", "layout": "single-node"}})
    assert error.path == "models.chat.layout"
    assert error.message.startswith("single-node is not possible: single-node gives a role 4 of the 8 GPUs of a3-")
    assert error.message.endswith("; use layout multi-node, or use layout aggregated")
