"""A value that only one side of a comparison knows: the same output of the same resource is no difference."""

from dataclasses import replace
from typing import Any

import pytest

from ops.changes.change import Comparison, Kind
from ops.changes.comparison import compare
from ops.changes.previewed import Registered
from ops.changes.values import UNKNOWN
from policies.kinds import GOOGLE_ACCOUNT, GRAPH
from tests.snapshots import GPUS, one, pool, stack, urn

EMAIL = "nodes@my-project.iam.gserviceaccount.com"
NODES = one(GOOGLE_ACCOUNT, {"accountId": "nodes", "project": "my-project"}, "nodes")
OTHER = one(GOOGLE_ACCOUNT, {"accountId": "other", "project": "my-project"}, "other")
IAM = "gcp:projects/iAMMember:IAMMember"


def pool_of(account: str | None, email: str, **node_config: Any) -> Registered:
    """A pool whose service account is an output of this resource; of none, a text."""
    of = pool({"nodeConfig": {**GPUS, **node_config, "serviceAccount": email}})
    return replace(of, property_dependencies={"nodeConfig": (urn(GOOGLE_ACCOUNT, account),)} if account else {})


def kinds(before: tuple[Registered, ...], after: tuple[Registered, ...]) -> dict[str, Kind]:
    return {change.name: change.kind for change in compare(stack(*before), stack(*after)).changes}


@pytest.mark.parametrize(("before", "after"), [(UNKNOWN, EMAIL), (EMAIL, UNKNOWN)])
def test_an_output_that_one_side_does_not_know_is_no_difference(before: str, after: str) -> None:
    comparison = compare(stack(NODES, pool_of("nodes", before)), stack(NODES, pool_of("nodes", after)))
    assert not comparison.changes
    assert comparison.not_compared == ("nodeConfig.serviceAccount of prefill-pool",)


def test_what_both_sides_know_beside_it_is_compared() -> None:
    before = pool_of("nodes", UNKNOWN)
    after = pool_of("nodes", EMAIL, machineType="a4-highgpu-8g")
    assert kinds((NODES, before), (NODES, after)) == {"prefill-pool": Kind.UPDATED}


@pytest.mark.parametrize("email", [UNKNOWN, "other@my-project.iam.gserviceaccount.com"])
@pytest.mark.parametrize("before", [UNKNOWN, EMAIL])
def test_a_pool_that_begins_to_use_another_account_is_replaced(before: str, email: str) -> None:
    sides = (NODES, OTHER, pool_of("nodes", before)), (NODES, OTHER, pool_of("other", email))
    assert kinds(*sides) == {"prefill-pool": Kind.REPLACED}


def test_a_text_in_place_of_an_unknown_output_is_replaced() -> None:
    assert kinds((NODES, pool_of("nodes", UNKNOWN)), (NODES, pool_of(None, EMAIL))) == {"prefill-pool": Kind.REPLACED}
    assert kinds((NODES, pool_of(None, UNKNOWN)), (NODES, pool_of(None, EMAIL))) == {"prefill-pool": Kind.REPLACED}


def test_the_account_itself_may_be_replaced_or_renamed() -> None:
    another = replace(NODES, inputs={**NODES.inputs, "accountId": "workers"})
    sides = (NODES, pool_of("nodes", UNKNOWN)), (another, pool_of("nodes", EMAIL))
    assert kinds(*sides) == {"nodes": Kind.REPLACED, "prefill-pool": Kind.REPLACED}
    renamed = one(GOOGLE_ACCOUNT, dict(NODES.inputs), "workers", aliases=[NODES.urn])
    assert kinds((NODES, pool_of("nodes", UNKNOWN)), (renamed, pool_of("workers", EMAIL))) == {}


POD = {"podTemplate": {"spec": {}}}

LISTS: dict[str, tuple[Any, Any, bool]] = {
    "plain": ([UNKNOWN, "b"], ["a", "b"], True),
    "plain, another beside it": ([UNKNOWN, "b"], ["a", "c"], False),
    "plain, one more": ([UNKNOWN], ["a", "b"], False),
    "objects by name": (
        [{"name": "x", "value": UNKNOWN}, {"name": "y", "value": "1"}],
        [{"name": "y", "value": "1"}, {"name": "x", "value": "a"}],
        True,
    ),
    "objects by position": ([{"value": UNKNOWN}, {"value": "1"}], [{"value": "a"}, {"value": "1"}], True),
    "an unknown name": ([{"name": UNKNOWN}, {"name": "y"}], [{"name": "x"}, {"name": "y"}], True),
    "the whole": (UNKNOWN, [{"name": "x"}], True),
    "none before": (None, [UNKNOWN], False),
}


@pytest.mark.parametrize(("before", "after", "same"), LISTS.values(), ids=LISTS)
def test_unknown_values_in_lists(before: Any, after: Any, same: bool) -> None:
    depends = {"list": (NODES.urn,)}
    sides = [replace(one(IAM, {"list": value}), property_dependencies=depends) for value in (before, after)]
    assert (compare(stack(NODES, sides[0]), stack(NODES, sides[1])).changes == ()) == same


def test_workers_of_a_graph_do_not_restart_for_an_address_that_one_side_does_not_know() -> None:
    def graph(url: str) -> Registered:
        components = [{"name": "decode", "type": "decode", "env": [{"name": "URL", "value": url}]} | POD]
        of = one(GRAPH, {"metadata": {"name": "g"}, "spec": {"backendFramework": "vllm", "components": components}})
        return replace(of, property_dependencies={"spec": (NODES.urn,)})

    known: Comparison = compare(stack(NODES, graph("a")), stack(NODES, graph("b")))
    assert known.rolling == ("g",)
    assert compare(stack(NODES, graph(UNKNOWN)), stack(NODES, graph("b"))).rolling == ()
