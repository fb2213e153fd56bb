"""Settings → Plan: pools sized to the engines, cost by capacity mode, warnings."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.models import card
from catalog.rdma import NO_RDMA
from planning.pools import nodes_for
from planning.summary import summary
from tests.stacks import planned

QWEN = {"model": "qwen3-32b", "layout": "single-node"}


@dataclass(frozen=True)
class Case:
    name: str
    changes: dict[str, Any]
    pools: dict[str, int]
    gpus_asked: int


CASES = [
    Case("each role fills a node", {}, {"decode": 1, "prefill": 1}, 16),
    Case("prefill scales alone", {"models.chat.prefill": {"replicas": 3}}, {"decode": 1, "prefill": 3}, 32),
    Case("two halves share a node", {"models.chat.layout": "single-node"}, {"shared": 1}, 8),
    Case("one role, one pool", {"models.chat.layout": "aggregated"}, {"worker": 1}, 8),
    Case("no GPUs", {"models.chat.layout": "simulated"}, {}, 0),
    Case("small engines fill nodes", {"models.chat.prefill": {"replicas": 3, "tensorParallel": 4}},
         {"decode": 1, "prefill": 2}, 20),
    Case("two graphs, two shared nodes", {"models": {"a": QWEN, "b": QWEN}}, {"shared": 2}, 16),
    Case("two graphs share role pools", {"models": {"a": QWEN | {"layout": "multi-node"}, "b": {
        "model": "llama-3.3-70b-instruct", "layout": "multi-node"}}}, {"decode": 2, "prefill": 2}, 32),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_pools(case: Case) -> None:
    plan = planned(case.changes)
    assert {pool.name: pool.nodes for pool in plan.gpu_pools} == case.pools
    assert sum(graph.gpus for graph in plan.graphs) == case.gpus_asked
    assert plan.gpus == 8 * sum(case.pools.values())


@given(st.lists(st.sampled_from([1, 2, 4, 8]), min_size=1, max_size=40))
def test_engines_of_halves_of_a_node_leave_no_gap(sizes: list[int]) -> None:
    assert nodes_for(sizes, 8) == -(-sum(sizes) // 8)


@given(st.lists(st.integers(1, 8), max_size=30))
def test_nodes_are_enough_and_no_more_than_the_bin_packing_needs(sizes: list[int]) -> None:
    assert -(-sum(sizes) // 8) <= nodes_for(sizes, 8) <= len(sizes)


def test_the_smallest_production_stack_costs_what_it_says() -> None:
    # Two nodes at the list price, the cluster's fee, three n2-standard-16: one in each zone.
    assert planned().cost_per_hour == round(2 * 84.81 + 0.10 + 3 * 0.776944, 2)


def test_flex_start_has_its_own_price() -> None:
    costs = {item.name: item.usd_per_hour for item in planned({"capacity": {"mode": "flexStart"}}).costs}
    assert costs["decode: 1 × a3-ultragpu-8g"] == 59.4


@pytest.mark.parametrize("scaled", [{}, {"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}}])
def test_spot_has_a_part_that_is_known_and_an_upper_bound(scaled: dict[str, Any]) -> None:
    spot, on_demand = (planned({"capacity": {"mode": mode}} | scaled) for mode in ("spot", "onDemand"))
    assert spot.cost_per_hour is None
    assert spot.cost_known == round(0.10 + 3 * 0.776944, 2)
    assert spot.cost_bound == on_demand.cost_per_hour == on_demand.cost_bound
    assert spot.cost_max == on_demand.cost_max
    said = summary(spot)
    assert (said["costPerHour"], said["costPerHourUpperBound"]) == (None, on_demand.cost_per_hour)
    assert [c["usdPerHour"] for c in said["costs"]].count(None) == 2
    assert {c["basis"] for c in said["costs"] if c["usdPerHour"] is None} == {
        "spot: no fixed price, at most onDemand's: list price, us-central1, 2026-09-07"
    }


def test_a_budget_is_compared_with_the_maximum_price_of_spot() -> None:
    budget = {"capacity": {"mode": "spot"}, "budget": {"monthlyUsd": 100_000, "emails": ["oncall@example.com"]}}
    (warning,) = [w for w in planned(budget).warnings if w.startswith("budget")]
    assert "is less than the 126,1" in warning


def test_without_gpus_there_is_no_capacity_and_no_rdma() -> None:
    plan = planned({"models.chat.layout": "simulated"})
    assert (plan.purchases, plan.rdma, plan.gpus) == ((), NO_RDMA, 0)


def test_label_keys_lose_their_capitals() -> None:
    assert planned({"labels": {"costCenter": "1234"}}).labels == {
        "cost-center": "1234",
        "managed-by": "pulumi",
        "stack": "prod",
    }


WARNINGS = [
    ({"hfToken": None}, "hfToken: missing, and models.chat serves meta-llama/Llama-3.3-70B-Instruct"),
    ({"hfToken": "null"}, "`pulumi config set --secret dynamo-gke:hfToken`"),
    ({"secrets": {"store": "secretManager"}, "hfToken": None}, "name a secret of Secret Manager in secrets.hfToken"),
    ({}, "prices are those of us-central1"),
    ({}, "no spare node is down while an update"),
    ({"location": {"region": "europe-north1", "zone": "europe-north1-a", "allowUnlisted": True}},
     "was not listed in europe-north1"),
    ({"capacity": {"mode": "spot"}}, "spot nodes can be reclaimed"),
    ({"capacity": {"mode": "onDemand"}}, "in practice not sold"),
    ({"capacity": {"mode": "flexStart"}}, "reclaims flexStart nodes after 7 days"),
    ({"capacity": {"mode": "flexStart", "compactPlacement": True}}, "unverified that GKE accepts this combination"),
    ({"cluster.existing": {"name": "shared"}}, "must run NVIDIA driver R580 or newer"),
    ({"network": {"rdma": "dranetAuto"}}, "GKE creates and owns the networks"),
    ({"network": {"rdma": "multiNetwork"}}, "use dranet on newer ones"),
    ({"cluster": {"deletionProtection": False}}, "releases the GPU nodes and deletes the weights"),
    ({}, "alerts.emails: none"),
    ({"models": {"a": {"model": "qwen3-32b", "layout": "multi-node"},
                 "b": {"model": "gpt-oss-120b", "layout": "multi-node", "servedName": "qwen3-32b"}}},
     "a and b have the same served name, qwen3-32b"),
    ({"network": {"rdma": "none"}, "models.chat.kvTransfer": "tcp"}, "200 to 500 times as long"),
    ({"models.chat.kvTransfer": "tcp"}, "RDMA NICs (network.rdma dranet) that it leaves idle"),
    ({"endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["8.8.8.8", "10.0.0.0/8"]}},
     "endpoint.allowedCidrs: 10.0.0.0/8 admits nobody: its addresses are private"),
    ({"endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["8.8.8.8", "2a00::/32"]}},
     "endpoint.allowedCidrs: 2a00::/32 admits nobody: the gateway has an IPv4 address only"),
    ({"models.chat.layout": "simulated", "models.chat.decode": {"tensorParallel": 8}}, "has no effect on simulated"),
    ({"models": {"a": {"model": "qwen3-32b", "layout": "multi-node"},
                 "b": {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}}}, "engines of 1 and 8 GPUs share"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "says"), WARNINGS, ids=[says for _, says in WARNINGS])
def test_warnings(changes: dict[str, Any], says: str) -> None:
    assert len([warning for warning in planned(changes).warnings if says in warning]) == 1


def test_an_unpinned_card_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    unpinned = card("qwen3-32b").model_copy(update={"revision": None, "revision_source": "nobody said"})
    monkeypatch.setattr("planning.resolve.card", lambda _: unpinned)
    plan = planned({"models.chat.model": "qwen3-32b"})
    (warning,) = [warning for warning in plan.warnings if "no pinned revision" in warning]
    assert "models.chat.model: qwen3-32b has no pinned revision (nobody said)" in warning
    assert "dynamo-gke models pin qwen3-32b" in warning
    assert plan.fetched == ()


def test_pools_follow_the_autoscaler_and_the_cost_says_how_far() -> None:
    plan = planned({"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}})
    assert {pool.name: (pool.nodes, pool.max_nodes) for pool in plan.gpu_pools} == {
        "decode": (1, 3),
        "prefill": (1, 1),
    }
    assert plan.cost_max == round(0.10 + 4 * 0.776944 + 4 * 84.81, 2)


def test_a_budget_that_the_plan_exceeds_is_reported() -> None:
    budget = {"budget": {"monthlyUsd": 100_000, "emails": ["oncall@example.com"]}}
    (warning,) = [w for w in planned(budget).warnings if w.startswith("budget")]
    assert warning.startswith("budget: 100,000 USD is less than the 126,1")


@pytest.mark.parametrize(
    ("given", "amount", "says"),
    [
        ({"monthly": 250_000}, 250_000, ()),
        ({"monthlyUsd": 250_000}, 250_000, ()),
        ({"monthlyUsd": 250_000, "currency": "USD"}, 250_000, ()),
        ({"monthly": 5, "currency": "EUR"}, 5, ("not compared with the plan, because its prices are in USD, not EUR",)),
        ({"monthlyUsd": 5, "currency": "EUR"}, 5, ("5 is read as EUR; use budget.monthly", "not compared")),
    ],
)
def test_a_budget_is_in_the_currency_of_its_account(given: dict[str, Any], amount: int, says: tuple[str, ...]) -> None:
    plan = planned({"budget": {**given, "emails": ["oncall@example.com"]}})
    assert plan.budget
    assert plan.budget.amount == amount
    assert plan.budget.currency == given.get("currency", "USD")
    warnings = [warning for warning in plan.warnings if warning.startswith("budget")]
    assert len(warnings) == len(says)
    assert all(word in warning for word, warning in zip(says, warnings, strict=True))


def test_a_calm_stack_has_no_warnings() -> None:
    calm = {
        "location": {"region": "us-central1", "zone": "us-central1-b"},
        "models.chat.prefill": {"replicas": 2},
        "models.chat.decode": {"replicas": 2},
        "alerts": {"emails": ["oncall@example.com"]},
        "budget": {"monthlyUsd": 250_000, "emails": ["oncall@example.com"]},
    }
    assert planned(calm).warnings == ()


@pytest.mark.parametrize(("channel", "warned"), [("regular", True), ("stable", True), ("rapid", False)])
def test_an_autoscaler_that_its_channel_may_not_feed_is_warned_of(channel: str, warned: bool) -> None:
    scaled = {"models.chat.autoscaling": {"decode": {"min": 1, "max": 2}}, "cluster": {"releaseChannel": channel}}
    assert any("it may never scale" in warning for warning in planned(scaled).warnings) is warned
    assert not any("it may never scale" in warning for warning in planned().warnings)
