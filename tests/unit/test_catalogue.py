"""Every card and every machine file: complete, consistent, and every layout of every card can be built."""

import pytest

from spec import check
from spec.graph import build
from spec.load import load
from spec.machines import GPU_MACHINE, machine, machine_names
from spec.models import Placement, Role, card, card_names
from spec.plan import plan
from tests.stacks import config

EVERY = [(name, layout) for name in card_names() for layout in card(name).layouts]


def test_the_models_that_are_promised_are_there() -> None:
    assert set(card_names()) >= {
        "llama-3.3-70b-instruct",
        "llama-3.3-70b-instruct-fp8",
        "qwen3-32b",
        "gpt-oss-120b",
        "llama-3.1-8b-instruct",
        "qwen3-0.6b",
    }


@pytest.mark.parametrize(("model", "layout"), EVERY)
def test_every_layout_fits_and_renders(model: str, layout: str) -> None:
    planned = plan(load(config({"models.chat": {"model": model, "layout": layout}})))
    (graph,) = planned.graphs
    assert build(graph, planned.labels).spec.components
    assert all(worker.memory is None or worker.memory.fits for worker in graph.workers)


@pytest.mark.parametrize("name", card_names())
def test_a_card_says_where_its_facts_come_from(name: str) -> None:
    chosen = card(name)
    assert chosen.revision_source
    assert chosen.architecture.source
    assert chosen.licence
    assert chosen.default_max_model_len <= chosen.architecture.max_model_len
    assert {"simulated", "single-node", "multi-node", "aggregated"} <= set(chosen.layouts)


@pytest.mark.parametrize("name", card_names())
def test_layouts_use_the_nodes_that_are_paid_for(name: str) -> None:
    gpus = machine(GPU_MACHINE).gpus
    assert gpus is not None
    for layout in card(name).layouts.values():
        if layout.placement is Placement.SHARED:
            assert sum(r.replicas * r.tensor_parallel for r in layout.roles.values()) == gpus.count
        elif layout.placement is Placement.PER_ROLE:
            assert all(r.replicas * r.tensor_parallel % gpus.count == 0 for r in layout.roles.values())


TWINS = {"single-node": "aggregated", "multi-node": "multi-node-aggregated"}


@pytest.mark.parametrize("name", card_names())
def test_every_disaggregated_layout_has_an_aggregated_twin_on_as_many_gpus(name: str) -> None:
    layouts = card(name).layouts

    def gpus(layout: str) -> int:
        return sum(role.replicas * role.tensor_parallel for role in layouts[layout].roles.values())

    for layout, twin in TWINS.items():
        assert set(layouts[twin].roles) == {Role.WORKER}
        assert gpus(layout) == gpus(twin)
    disaggregated = {
        name for name, layout in layouts.items() if layout.prefill and layout.placement is not Placement.CPU
    }
    assert disaggregated == set(TWINS)


def test_prices_have_a_date_and_a_kind() -> None:
    for name in machine_names(with_gpus=True) + machine_names(with_gpus=False):
        for price in machine(name).prices.values():
            assert price.date
            assert price.source
            assert price.usd_per_hour > 0


def test_a_pool_machine_has_one_nic_a_gpu() -> None:
    node = machine(GPU_MACHINE)
    assert node.gpus is not None
    assert node.rdma_nics == node.gpus.count


def test_roles_of_a_layout_are_the_roles_a_stack_can_override() -> None:
    assert {role for name in card_names() for layout in card(name).layouts.values() for role in layout.roles} == set(
        Role
    )


def test_faults_of_good_settings_are_none() -> None:
    assert check.faults(load(config())) == []
