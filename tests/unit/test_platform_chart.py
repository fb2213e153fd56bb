"""The stand-ins for GKE's and Dynamo's custom kinds, and for NVIDIA's chart, as far as no cluster is needed."""

import io
import json
import tarfile
from typing import Any

import jsonschema
import pytest
import yaml

from manifests import manifest_schema
from ops.rehearsal.platform import chart, crds
from planning.platform import OperatorInstall
from workloads.platform import chart_values


def test_every_kind_that_a_stack_may_render_has_a_definition() -> None:
    defined = {manifest_schema.file_name(each.api_version, each.kind) for each in (*crds.GKE, *crds.DYNAMO)}
    assert defined == manifest_schema.TABLES | manifest_schema.RENDERED.keys()


@pytest.mark.parametrize(
    ("table", "schema"),
    [
        ({"type": "string", "enum": ["a"], "maxLength": 3}, {"type": "string", "enum": ["a"], "maxLength": 3}),
        ({"type": ["integer", "string"]}, {"x-kubernetes-int-or-string": True}),
        ({}, {"x-kubernetes-preserve-unknown-fields": True}),
        ({"type": "object"}, {"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
        ({"type": "object", "additionalProperties": False}, {"type": "object"}),
        (
            {"type": "object", "additionalProperties": {"type": ["integer", "string"]}},
            {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}},
        ),
        (
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"name": {"type": "string"}, "items": {"type": "integer", "default": 1}},
                    "required": ["name"],
                },
            },
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "items": {"type": "integer", "default": 1}},
                    "required": ["name"],
                },
            },
        ),
    ],
)  # fmt: skip
def test_a_table_becomes_a_structural_schema(table: dict[str, Any], schema: dict[str, Any]) -> None:
    assert crds.structural(table) == schema


def test_only_the_scaling_adapter_is_scaled_and_every_kind_has_a_status() -> None:
    scaled = set[str]()
    for definition in crds.gke() + crds.dynamo():
        (version,) = definition["spec"]["versions"]
        assert version["subresources"]["status"] == {}
        if "scale" in version["subresources"]:
            scaled.add(definition["spec"]["names"]["kind"])
    assert scaled == {"DynamoGraphDeploymentScalingAdapter"}


def files(version: str = "1.6.1") -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(chart.packed(version, "CERTIFICATE"))) as archive:
        return {member.name: archive.extractfile(member).read().decode() for member in archive}  # type: ignore[union-attr]


def test_a_version_of_the_chart_always_has_the_same_bytes() -> None:
    assert chart.packed("1.6.1", "CERTIFICATE") == chart.packed("1.6.1", "CERTIFICATE")
    assert chart.packed("1.6.1", "CERTIFICATE") != chart.packed("1.6.2", "CERTIFICATE")


def test_the_chart_has_its_version_no_hooks_and_dynamos_definitions() -> None:
    content = files("1.6.2")
    about = yaml.safe_load(content["dynamo-platform/Chart.yaml"])
    assert (about["name"], about["version"], about["appVersion"]) == ("dynamo-platform", "1.6.2", "1.6.2")
    assert not [name for name, text in content.items() if "helm.sh/hook" in text]
    assert list(yaml.safe_load_all(content["dynamo-platform/crds/dynamo.yaml"])) == crds.dynamo()
    assert content["dynamo-platform/ca.pem"] == "CERTIFICATE"


def value_errors(values: dict[str, Any]) -> list[str]:
    schema = json.loads(files()["dynamo-platform/values.schema.json"])
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(values)]


@pytest.mark.parametrize("pool", ["system", None])
def test_the_chart_takes_the_programs_values(pool: str | None) -> None:
    assert value_errors(chart_values(OperatorInstall(), pool)) == []


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("dynamo-operator.controllerManager.replcas", 2, "'replcas' was unexpected"),
        ("dynamo-operator.controllermanager", {}, "'controllermanager' was unexpected"),
        ("dynamo_operator", {}, "'dynamo_operator' was unexpected"),
        ("global.grove.instal", False, "'instal' was unexpected"),
        ("global.grove.install", True, "False was expected"),
    ],
)
def test_the_chart_refuses_a_value_that_the_real_one_does_not_know(path: str, value: Any, complaint: str) -> None:
    values = chart_values(OperatorInstall(), "system")
    *parents, last = path.split(".")
    block: Any = values
    for part in parents:
        block = block[part]
    block[last] = value
    (error,) = value_errors(values)
    assert complaint in error
