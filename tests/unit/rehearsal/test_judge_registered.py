"""Resources of `pulumi preview --json` and of `preview --json` in the same form."""

from typing import Any

import pytest
from pulumi.runtime import rpc

from tests.rehearsal.judge.registered import differences, differences_of_change, of_engine, of_preview

URN, STACK = "urn:pulumi:s::p::gcp:a:A::x", "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s"
PROVIDER = "urn:pulumi:s::p::pulumi:providers:gcp::google"
A, B = "urn:pulumi:s::p::gcp:b:B::a", "urn:pulumi:s::p::gcp:b:B::b"


def digest(**state: Any) -> dict[str, Any]:
    inputs = {"name": "n", "token": "[secret]", "of": rpc.UNKNOWN, "__defaults": []}
    created = {
        "urn": URN,
        "type": "gcp:a:A",
        "parent": STACK,
        "provider": f"{PROVIDER}::{rpc.UNKNOWN}",
        "inputs": inputs,
        "dependencies": [B, A],
        "propertyDependencies": {"of": [A], "name": []},
        "customTimeouts": {"create": 5400},
        "protect": True,
        **state,
    }
    return {"steps": [{"op": "create", "urn": URN, "newState": created}]}


PRINTED = {
    "urn": URN,
    "type": "gcp:a:A",
    "parent": None,
    "provider": PROVIDER,
    "inputs": {"name": "n", "token": {"k": "[secret]"}, "of": "[unknown]"},
    "dependsOn": [A, B],
    "options": {"propertyDependencies": {"of": [A]}, "customTimeouts": {"create": "1h30m"}, "protect": True},
    "secretPaths": ["token"],
}


def found(printed: dict[str, Any], engine: dict[str, Any]) -> list[str]:
    return [*differences(of_preview({"resources": [printed]}), of_engine(engine))]


def test_the_same_resource_has_no_differences() -> None:
    assert found(PRINTED, digest()) == []


def test_each_part_that_differs_is_found() -> None:
    other = digest(protect=False, dependencies=[A], customTimeouts={"create": 60}, inputs={"name": "n", "token": "t"})
    assert [line.partition(":A::x ")[2].partition(":")[0] for line in found(PRINTED, other)] == [
        "customTimeouts.create",
        "dependsOn",
        "inputs.of",
        "inputs.token",
        "protect",
    ]


def test_a_resource_of_one_side_only_is_found() -> None:
    assert found(PRINTED, {"steps": []}) == [f"{URN}: only preview --json has it"]


API = "urn:pulumi:s::p::dynamo-gke:infra:Services$gcp:projects/service:Service::compute"
NETWORK = "urn:pulumi:s::p::gcp:compute/network:Network::vpc"


def changed(
    before: dict[str, Any], after: dict[str, Any], op: str = "update", ignored: tuple[str, ...] = (), **state: Any
) -> list[str]:
    """The parts that differ after a change from some inputs to others, where the engine registers this state."""
    options = PRINTED["options"] | {"ignoreChanges": [*ignored]}
    was, becomes = (
        {"resources": [PRINTED | {"inputs": inputs, "options": options, "secretPaths": []}]}
        for inputs in (before, after)
    )
    engine = digest(ignoreChanges=[*ignored], **state)
    engine["steps"][0]["op"] = op
    found = differences_of_change(
        was, becomes, engine | {"steps": [*engine["steps"], {"op": "delete", "urn": NETWORK}]}
    )
    return [line.partition(":A::x ")[2].partition(":")[0] for line in found]


def test_the_engine_may_know_what_the_preview_does_not() -> None:
    unknown = {"of": "[unknown]", "list": [{"of": "[unknown]"}], "texts": ["[unknown]"]}
    known = {"of": "v", "list": [{"of": 1}], "texts": ["v"]}
    assert changed({}, {"of": unknown}, inputs={"of": known}) == []


def test_only_an_input_that_depends_on_a_resource_or_a_lookup_may_be_unknown() -> None:
    assert changed({}, {"of": "[unknown]", "name": "[unknown]"}, inputs={"of": "v", "name": "n"}) == ["inputs.name"]


def test_what_the_preview_does_not_know_must_be_there() -> None:
    assert changed({}, {"of": "[unknown]", "name": "n"}, inputs={"name": "n"}) == ["inputs.of"]


def test_the_engine_must_know_what_the_preview_knows() -> None:
    assert changed({}, {"of": "v"}, inputs={"of": rpc.UNKNOWN}) == ["inputs.of"]


@pytest.mark.parametrize(("op", "registered"), [("update", 1), ("same", 1), ("replace", 2)])
def test_only_a_replacement_has_the_new_value_of_an_ignored_input(op: str, registered: int) -> None:
    counts = {nodes: changed({"nodes": 1}, {"nodes": 2}, op, ("nodes",), inputs={"nodes": nodes}) for nodes in (1, 2)}
    assert {nodes for nodes, differing in counts.items() if not differing} == {registered}


@pytest.mark.parametrize(
    ("value", "urn", "differing"),
    [
        ("[unknown]", API, []),
        ("[unknown]", NETWORK, ["dependsOn", "propertyDependencies.of"]),
        ("v", API, ["dependsOn", "propertyDependencies.of"]),
    ],
)
def test_only_an_answered_lookup_waits_for_an_enabled_api(value: str, urn: str, differing: list[str]) -> None:
    """Pulumi's SDK tells of it only once the lookup is answered."""
    depends = {"dependencies": [A, B, urn], "propertyDependencies": {"of": [A, urn]}}
    assert changed({}, {"of": value}, inputs={"of": "v"}, **depends) == differing


@pytest.mark.parametrize(
    ("type_", "printed", "registered", "differing"),
    [
        ("kubernetes:core/v1:PersistentVolume", {"spec": {"storageClassName": ""}}, {"spec": {}}, []),
        ("kubernetes:core/v1:PersistentVolumeClaim", {"spec": {"storageClassName": ""}}, {"spec": {}}, ["inputs"]),
        ("kubernetes:core/v1:Secret", {"stringData": {"a": "v"}}, {"data": {"a": "v"}}, []),
        ("kubernetes:core/v1:ConfigMap", {"stringData": {"a": "v"}}, {"data": {"a": "v"}}, ["inputs", "inputs"]),
        ("kubernetes:helm.sh/v3:Release", {"compat": "true"}, {"devel": False, "keyring": ""}, []),
        ("kubernetes:helm.sh/v3:Release", {"values": {"on": True}}, {"values": {"on": False}}, ["inputs"]),
    ],
)
def test_what_the_kubernetes_provider_makes_of_inputs_is_no_difference(
    type_: str, printed: dict[str, Any], registered: dict[str, Any], differing: list[str]
) -> None:
    ours = PRINTED | {"type": type_, "inputs": printed, "secretPaths": []}
    lines = found(ours, digest(type=type_, inputs=registered))
    assert [line.partition(":A::x ")[2].partition(".")[0] for line in lines] == differing
