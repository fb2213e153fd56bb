"""The order of findings, and rules for all of them."""

from dataclasses import replace

from ops.diagnosis import Cause, diagnose
from tests import clusters as c
from tests.stacks import planned
from tests.unit.diagnosis import (
    test_capacity,
    test_claims,
    test_containers,
    test_endpoint,
    test_failed_pods,
    test_generations,
    test_graph,
    test_nodes,
    test_peers,
    test_platform,
    test_probes,
    test_routing,
    test_scheduling,
    test_verification,
    test_weights,
)
from tests.unit.diagnosis.case import ELSEWHERE, LOADING, NO_DECODE_NODE, PLAN, PREFILL, WELL, scheduler

TOPICS = (
    test_capacity,
    test_claims,
    test_containers,
    test_verification,
    test_probes,
    test_peers,
    test_nodes,
    test_failed_pods,
    test_endpoint,
    test_generations,
    test_graph,
    test_platform,
    test_routing,
    test_scheduling,
    test_weights,
)


def test_every_cause_has_a_case() -> None:
    assert {cause for topic in TOPICS for case in topic.CASES for cause, _ in case.want} == set(Cause)


def test_what_to_fix_first_comes_first_and_is_said_once_for_all_its_pods() -> None:
    snapshot = c.contained(WELL, "decode", **LOADING)
    snapshot = c.without(c.unplaced(snapshot, "prefill", scheduler(ELSEWHERE)), "claim_templates")
    snapshot = replace(snapshot, operators=(c.operator(available=False),))
    (pending,) = [pod for pod in snapshot.pods if pod["metadata"]["name"] == PREFILL]
    twin = {**pending, "metadata": {**pending["metadata"], "name": "chat-prefill-twin"}}
    found = diagnose(PLAN, PLAN.graphs, replace(snapshot, pods=(*snapshot.pods, twin)))
    assert [f.cause for f in found] == [Cause.OPERATOR, Cause.CLAIM, Cause.LOADING]
    assert found[1].objects == (f"pod/{PREFILL}", "pod/chat-prefill-twin")


def test_one_graphs_problem_is_not_reported_for_another() -> None:
    plan = planned({"models.summarize": {"model": "qwen3-32b", "layout": "multi-node"}})
    snapshot = replace(c.unplaced(WELL, "decode", scheduler(ELSEWHERE)), models={"chat": (), "summarize": ()})
    found = diagnose(plan, plan.graphs, snapshot)
    assert [(f.graph, f.cause) for f in found if f.graph == "summarize"] == [("summarize", Cause.NOT_DEPLOYED)]


def test_flex_start_nodes_come_on_demand() -> None:
    plan = planned({"capacity": {"mode": "flexStart"}})
    (found,) = diagnose(plan, plan.graphs, NO_DECODE_NODE)
    assert "flexStart adds one when there is capacity" in found.message
