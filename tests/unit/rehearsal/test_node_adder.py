"""Which nodes the node adder would add."""

from collections.abc import Sequence
from typing import Any

from ops.rehearsal import nodes
from ops.rehearsal.node_adder import PoolState, additions, is_unschedulable
from tests.unit.rehearsal.test_nodes import ZONE, pool


def state(maximum: int | None, name: str = "decode") -> PoolState:
    limits = {} if maximum is None else {"autoscaling": {"totalMinNodeCount": 0, "totalMaxNodeCount": maximum}}
    return PoolState(inputs={**pool(), "name": name, **limits}, zone=ZONE)


def pod(uid: str, gpus: int = 8, of_pool: str = "decode") -> dict[str, Any]:
    return {
        "metadata": {"uid": uid},
        "spec": {
            "nodeSelector": {"cloud.google.com/gke-nodepool": of_pool},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "containers": [{"resources": {"limits": {"nvidia.com/gpu": str(gpus)}}}],
        },
    }


def added(
    waiting: Sequence[dict[str, Any]], pools: Sequence[PoolState], existing: dict[str, set[str]] | None = None
) -> list[tuple[str, int, list[str]]]:
    found = additions(waiting, pools, existing or {})
    return [(each.pool.name, each.number, [pod["metadata"]["uid"] for pod in each.pods]) for each in found]


def test_one_node_for_each_pod_that_fills_it_up_to_the_maximum() -> None:
    waiting = [pod("a"), pod("b"), pod("c")]
    assert added(waiting, [state(2)]) == [("decode", 0, ["a"]), ("decode", 1, ["b"])]


def test_pods_that_fit_together_share_a_node() -> None:
    assert added([pod("a", 4), pod("b", 8), pod("c", 4)], [state(9)]) == [
        ("decode", 0, ["a", "c"]),
        ("decode", 1, ["b"]),
    ]


def test_existing_nodes_count_and_their_numbers_are_not_used_again() -> None:
    second = nodes.node(state(2).inputs, ZONE, 1)["metadata"]["name"]
    assert added([pod("a"), pod("b")], [state(2)], {"decode": {second}}) == [("decode", 0, ["a"])]
    assert added([pod("a")], [state(1)], {"decode": {second}}) == []


def test_nothing_is_added_to_a_pool_of_fixed_size() -> None:
    assert added([pod("a")], [state(None)]) == []


def test_the_pool_that_the_pod_selects_gets_the_node() -> None:
    assert added([pod("a", of_pool="prefill")], [state(1), state(1, "prefill")]) == [("prefill", 0, ["a"])]
    assert added([pod("a", of_pool="other"), pod("b")], [state(1)]) == [("decode", 0, ["b"])]


def test_a_pod_larger_than_a_node_gets_none() -> None:
    assert added([pod("a", gpus=16)], [state(3)]) == []


def test_only_pods_that_the_scheduler_refused_count() -> None:
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}

    def with_condition(condition: dict[str, str], **metadata: str) -> dict[str, Any]:
        return {"metadata": metadata, "status": {"conditions": [condition]}}

    assert is_unschedulable(with_condition(refused))
    assert not is_unschedulable(with_condition({**refused, "reason": "SchedulingGated"}))
    assert not is_unschedulable(with_condition({**refused, "status": "True"}))
    assert not is_unschedulable(with_condition(refused, deletionTimestamp="now"))
    assert not is_unschedulable({"metadata": {}})
