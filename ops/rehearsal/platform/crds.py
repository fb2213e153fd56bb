"""Definitions of custom resources (CRDs) for a rehearsal's API server, made from the field tables in manifests/schemas.

The API server refuses unknown fields, wrong types and values outside of bounds, fills in defaults, and merges lists as
with the real definitions. Not shown: patterns and CEL rules, which the tables lack; older versions of a kind and their
conversion by the operator; printer columns.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manifests import manifest_schema

Schema = dict[str, Any]

OPEN: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
"""Any fields: of a status, which only a controller writes, and of a kind without a table."""


@dataclass(frozen=True, kw_only=True)
class CustomKind:
    """A kind of custom resources, whose plural the tables do not have."""

    api_version: str
    kind: str
    plural: str
    scope: str = "Namespaced"
    short: tuple[str, ...] = ()
    scaled: bool = False
    """Whether it has the subresource `scale`."""


GKE = (
    CustomKind(api_version="autoscaling.gke.io/v1beta1", kind="AutoscalingMetric", plural="autoscalingmetrics"),
    CustomKind(api_version="cloud.google.com/v1", kind="ComputeClass", plural="computeclasses", scope="Cluster"),
    CustomKind(api_version="gateway.networking.k8s.io/v1", kind="Gateway", plural="gateways"),
    CustomKind(api_version="gateway.networking.k8s.io/v1", kind="HTTPRoute", plural="httproutes"),
    CustomKind(api_version="monitoring.googleapis.com/v1", kind="PodMonitoring", plural="podmonitorings"),
    CustomKind(api_version="networking.gke.io/v1", kind="GCPBackendPolicy", plural="gcpbackendpolicies"),
    CustomKind(api_version="networking.gke.io/v1", kind="HealthCheckPolicy", plural="healthcheckpolicies"),
    CustomKind(api_version="networking.gke.io/v1", kind="Network", plural="networks", scope="Cluster"),
    CustomKind(
        api_version="networking.gke.io/v1", kind="GKENetworkParamSet", plural="gkenetworkparamsets", scope="Cluster"
    ),
    CustomKind(api_version="secret-sync.gke.io/v1", kind="SecretSync", plural="secretsyncs"),
    CustomKind(api_version="secrets-store.csi.x-k8s.io/v1", kind="SecretProviderClass", plural="secretproviderclasses"),
)
DYNAMO = (
    CustomKind(
        api_version="nvidia.com/v1beta1", kind="DynamoGraphDeployment", plural="dynamographdeployments", short=("dgd",)
    ),
    CustomKind(
        api_version="nvidia.com/v1beta1",
        kind="DynamoGraphDeploymentScalingAdapter",
        plural="dynamographdeploymentscalingadapters",
        short=("dgdsa",),
        scaled=True,
    ),
    CustomKind(
        api_version="nvidia.com/v1alpha1", kind="DynamoWorkerMetadata", plural="dynamoworkermetadatas", short=("dwm",)
    ),
)


def gke() -> list[dict[str, Any]]:
    """Definitions that every GKE cluster has."""
    return list(map(_definition, GKE))


def dynamo() -> list[dict[str, Any]]:
    """Definitions of Dynamo, which come with the platform's chart."""
    return list(map(_definition, DYNAMO))


def _definition(of: CustomKind) -> dict[str, Any]:
    group, _, version = of.api_version.rpartition("/")
    subresources: dict[str, Any] = {"status": {}}
    if of.scaled:
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
    served = {
        "name": version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _schema(of)},
        "subresources": subresources,
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{of.plural}.{group}", "annotations": _approval(group)},
        "spec": {
            "group": group,
            "scope": of.scope,
            "names": {
                "kind": of.kind,
                "listKind": f"{of.kind}List",
                "plural": of.plural,
                "singular": of.kind.lower(),
                "shortNames": list(of.short),
            },
            "versions": [served],
        },
    }


def _approval(group: str) -> dict[str, str]:
    """The annotation without which the API server refuses definitions in Kubernetes' own groups."""
    return {"api-approved.kubernetes.io": "unapproved, for a rehearsal"} if group.endswith(".k8s.io") else {}


def _schema(of: CustomKind) -> Schema:
    if not manifest_schema.has_table(of.api_version, of.kind):
        return OPEN
    table = json.loads((manifest_schema.FOLDER / manifest_schema.file_name(of.api_version, of.kind)).read_text())
    fields = {name: structural(field) for name, field in table["properties"].items() if name != "metadata"}
    # The API server checks metadata itself, and a definition may not say more of it.
    return {
        "type": "object",
        "properties": {**fields, "metadata": {"type": "object"}, "status": OPEN},
        "required": table["required"],
    }


def structural(table: Mapping[str, Any]) -> Schema:
    """The part of a field table as a structural schema, which the API server takes."""
    return dict(_structural(table))


def _structural(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if key == "properties":
            yield key, {name: structural(field) for name, field in value.items()}
        elif key == "items" or (key == "additionalProperties" and value is not False):
            yield key, structural(value)
        elif value == ["integer", "string"]:
            yield "x-kubernetes-int-or-string", True
        elif key != "additionalProperties":  # fields that a structural schema does not name are unknown
            yield key, value
    if table.get("type", "object") == "object" and not table.keys() & {"properties", "additionalProperties"}:
        yield "x-kubernetes-preserve-unknown-fields", True
