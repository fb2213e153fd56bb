"""Strict validation of what a stack renders: custom objects by their tables, Kubernetes' own by its schemas."""

from typing import Any

import kubernetes_validate

from manifests import manifest_schema

# The version that the cluster is created with.
KUBERNETES = "1.35"


def errors(objects: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the objects, and with the pods of their graphs; an unknown field is."""
    found: list[str] = []
    for each in objects:
        if manifest_schema.has_table(each["apiVersion"], each["kind"]):
            found += manifest_schema.errors(each)
        elif manifest_schema.file_name(each["apiVersion"], each["kind"]) not in manifest_schema.RENDERED:
            found += _of_kubernetes(each)
        if each["kind"] == "DynamoGraphDeployment":
            found += [error for component in each["spec"]["components"] for error in _of_kubernetes(_pod(component))]
    return found


def _pod(component: dict[str, Any]) -> dict[str, Any]:
    template = component["podTemplate"]
    metadata = {"name": component["name"], **template.get("metadata", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _of_kubernetes(each: dict[str, Any]) -> list[str]:
    try:
        kubernetes_validate.validate(each, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{each['kind']} {each['metadata']['name']}: {error.message}"]
    return []
