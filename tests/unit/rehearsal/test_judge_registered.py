"""Resources of `pulumi preview --json` and of `preview --json` in the same form."""

from typing import Any

from pulumi.runtime import rpc

from tests.rehearsal.judge.registered import differences, of_engine, of_preview

URN, STACK = "urn:pulumi:s::p::gcp:a:A::x", "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s"
PROVIDER = "urn:pulumi:s::p::pulumi:providers:gcp::google"


def digest(**state: Any) -> dict[str, Any]:
    inputs = {"name": "n", "token": "[secret]", "of": rpc.UNKNOWN, "__defaults": []}
    created = {
        "urn": URN,
        "type": "gcp:a:A",
        "parent": STACK,
        "provider": f"{PROVIDER}::{rpc.UNKNOWN}",
        "inputs": inputs,
        "dependencies": ["b", "a"],
        "propertyDependencies": {"of": ["a"], "name": []},
        "customTimeouts": {"create": 5400},
        "protect": True,
        **state,
    }
    return {"steps": [{"op": "create", "newState": created}]}


PRINTED = {
    "urn": URN,
    "type": "gcp:a:A",
    "parent": None,
    "provider": PROVIDER,
    "inputs": {"name": "n", "token": {"k": "[secret]"}, "of": "[unknown]"},
    "dependsOn": ["a", "b"],
    "options": {"propertyDependencies": {"of": ["a"]}, "customTimeouts": {"create": "1h30m"}, "protect": True},
    "secretPaths": ["token"],
}


def found(printed: dict[str, Any], engine: dict[str, Any]) -> list[str]:
    return [*differences(of_preview({"resources": [printed]}), of_engine(engine))]


def test_the_same_resource_has_no_differences() -> None:
    assert found(PRINTED, digest()) == []


def test_each_part_that_differs_is_found() -> None:
    other = digest(protect=False, dependencies=["a"], customTimeouts={"create": 60}, inputs={"name": "n", "token": "t"})
    assert [line.partition(":A::x ")[2].partition(":")[0] for line in found(PRINTED, other)] == [
        "customTimeouts.create",
        "dependsOn",
        "inputs.of",
        "inputs.token",
        "protect",
    ]


def test_a_resource_of_one_side_only_is_found() -> None:
    assert found(PRINTED, {"steps": []}) == [f"{URN}: only preview --json has it"]
