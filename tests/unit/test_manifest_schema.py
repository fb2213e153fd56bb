"""Custom resources are refused for what the API server would prune or refuse."""

from copy import deepcopy
from typing import Any

import pulumi
import pytest

from manifests import manifest_schema
from manifests.graph import build
from tests.stacks import planned
from tools.field_tables import reduced
from workloads.custom_object import custom_object


def graph() -> dict[str, Any]:
    plan = planned()
    return build(plan.graphs[0], plan.labels).to_wire()


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("spec.components.1.replcas", 2, "spec.components[1]: "),
        ("spec.components.1.replicas", "2", "spec.components[1].replicas: '2' is not of type 'integer'"),
        ("spec.components.1.type", "prefil", "spec.components[1].type: 'prefil' is not one of "),
        ("spec.components.1.podTemplate.spec.containers.0.env", {"A": "1"}, "env: "),
        ("spec.components.1.podTemplate.spec.terminationGracePeriodSeconds", "60s", "Seconds: '60s' is not of type"),
        ("metadata.lables", {}, "metadata: "),
    ],
)
def test_a_field_that_the_kind_does_not_take_is_named(path: str, value: Any, complaint: str) -> None:
    manifest = deepcopy(graph())
    *parents, last = path.split(".")
    block: Any = manifest
    for part in parents:
        block = block[int(part)] if part.isdigit() else block[part]
    block[last] = value
    (error,) = manifest_schema.errors(manifest)
    assert complaint in error


def test_a_good_graph_has_no_errors_and_a_kind_without_a_table_is_not_judged() -> None:
    assert list(manifest_schema.errors(graph())) == []
    assert list(manifest_schema.errors({"apiVersion": "example.com/v1", "kind": "Other", "metadata": {}})) == []


def test_no_object_is_registered_with_a_field_that_would_be_pruned() -> None:
    manifest = deepcopy(graph())
    manifest["spec"]["components"][0]["replcas"] = 2
    with pytest.raises(pulumi.RunError, match=r"DynamoGraphDeployment chat .*\n  spec.components\[0\]: .*replcas"):
        custom_object("chat", manifest, pulumi.ResourceOptions())


def test_what_is_not_known_yet_fits_everywhere() -> None:
    network = {
        "apiVersion": "networking.gke.io/v1",
        "kind": "GKENetworkParamSet",
        "metadata": {"name": "rdma-0"},
        "spec": {"vpc": pulumi.UNKNOWN, "vpcSubnet": "s", "deviceMode": "RDMA"},
    }
    assert list(manifest_schema.errors(network, unknown=type(pulumi.UNKNOWN))) == []
    assert len(list(manifest_schema.errors(network))) == 1


def test_a_table_keeps_fields_bounds_defaults_and_merging_and_no_text() -> None:
    schema = {
        "type": "object",
        "description": "text of others",
        "required": ["size"],
        "properties": {
            "size": {"type": "integer", "minimum": 1, "default": 3, "description": "more text"},
            "list": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string", "pattern": "a"}},
            "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
            "labels": {"type": "object", "additionalProperties": {"type": "string", "pattern": "a"}},
            "empty": {"type": "object"},
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    assert reduced(schema) == {
        "type": "object",
        "required": ["size"],
        "additionalProperties": False,
        "properties": {
            "size": {"type": "integer", "minimum": 1, "default": 3},
            "list": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "port": {"type": ["integer", "string"]},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "empty": {"type": "object", "additionalProperties": False},
            "open": {"type": "object"},
        },
    }
