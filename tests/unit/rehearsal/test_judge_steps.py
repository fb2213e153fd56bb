"""The engine's steps and a forecast's changes in the same words."""

import pytest

from tests.rehearsal.judge.steps import Fate, disagreements, of_engine, undecided

POOL = "urn:pulumi:s::p::dynamo-gke:infra:GpuPool$gcp:container/nodePool:NodePool::decode-pool"
COMPONENT = "urn:pulumi:s::p::dynamo-gke:infra:GpuPool::decode"


@pytest.mark.parametrize(
    ("steps", "fate"),
    [
        (["create"], Fate.CREATED),
        (["update"], Fate.UPDATED),
        (["delete"], Fate.DELETED),
        (["same"], None),
        (["read"], None),
        (["delete-replaced", "replace", "create-replacement"], Fate.REPLACED_DELETED_FIRST),
        (["create-replacement", "replace", "delete-replaced"], Fate.REPLACED),
    ],
)
def test_the_operations_of_a_resource_are_one_fate(steps: list[str], fate: Fate | None) -> None:
    assert of_engine([{"op": step, "urn": POOL} for step in steps]) == ({POOL: fate} if fate else {})


def test_components_have_no_fate() -> None:
    stack = "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s"
    assert of_engine([{"op": "create", "urn": urn} for urn in (COMPONENT, stack)]) == {}


def test_the_old_version_of_a_renamed_resource_has_its_old_name() -> None:
    new = f"{POOL}-renamed"
    state = {"urn": new, "aliases": [POOL]}
    created = {"op": "create-replacement", "urn": new, "newState": state}
    assert of_engine([created, {"op": "delete-replaced", "urn": POOL}]) == {new: Fate.REPLACED}


def test_an_object_whose_provider_is_unknown_is_undecided() -> None:
    object_ = "urn:pulumi:s::p::a$kubernetes:core/v1:ConfigMap::x"
    asked = {"op": "update", "urn": object_.replace("::x", "::y"), "detailedDiff": {"data.a": {"kind": "update"}}}
    assert undecided([{"op": "update", "urn": object_}, {"op": "update", "urn": POOL}, asked]) == {object_}


def test_each_resource_that_is_treated_otherwise_is_a_disagreement() -> None:
    both = {"a": Fate.UPDATED, "b": Fate.CREATED}
    assert [*disagreements(both, both)] == []
    assert [*disagreements({**both, "c": Fate.REPLACED}, {"b": Fate.CREATED, "c": Fate.REPLACED_DELETED_FIRST})] == [
        "a: forecast updated, the engine says unchanged",
        "c: forecast replaced, the old one deleted last, the engine says replaced, the old one deleted first",
    ]
