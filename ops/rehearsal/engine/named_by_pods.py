"""What pods name, without which they do not start or stay without a node. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ops.rehearsal.engine.object_names import Key, Name, Object

_INTERFACES = "networking.gke.io/interfaces"
"""GKE's annotation with further networks of a pod."""
_DEFAULT_NETWORK = "default"
"""GKE's own, which every cluster has."""
_CLAIMS = {"resourceClaimName": "ResourceClaim", "resourceClaimTemplateName": "ResourceClaimTemplate"}
_SOURCES = {"secret": "Secret", "configMap": "ConfigMap"}


def names(each: Object) -> Iterator[Name | Key]:
    """What a pod names, or the pods that the object has templates of. Optional references are none."""
    namespace = each["metadata"].get("namespace") or ""
    for template in templates(each):
        yield from _of_spec(template["spec"], namespace)
        annotation = ((template.get("metadata") or {}).get("annotations") or {}).get(_INTERFACES, "[]")
        for interface in json.loads(annotation):
            if interface["network"] != _DEFAULT_NETWORK:
                yield Name("networking.gke.io", "Network", interface["network"])


def templates(each: Object) -> list[Object]:
    """The pod itself, or the templates of the pods that controllers make of the object."""
    match each["kind"]:
        case "Pod":
            return [each]
        case "Job" | "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet":
            return [each["spec"]["template"]]
        case "CronJob":
            return [each["spec"]["jobTemplate"]["spec"]["template"]]
        case "DynamoGraphDeployment":
            found = (component.get("podTemplate") or {} for component in each["spec"].get("components") or [])
            return [template for template in found if template.get("spec")]
        case _:
            return []


def _of_spec(spec: Object, namespace: str) -> Iterator[Name | Key]:
    if account := spec.get("serviceAccountName") or spec.get("serviceAccount"):
        yield Name("", "ServiceAccount", account, namespace)
    if runtime := spec.get("runtimeClassName"):
        yield Name("node.k8s.io", "RuntimeClass", runtime)
    if priority := spec.get("priorityClassName"):
        yield Name("scheduling.k8s.io", "PriorityClass", priority)
    for secret in spec.get("imagePullSecrets") or []:
        yield Name("", "Secret", secret["name"], namespace)
    for claim in spec.get("resourceClaims") or []:
        for field, kind in _CLAIMS.items():
            if field in claim:
                yield Name("resource.k8s.io", kind, claim[field], namespace)
    for volume in spec.get("volumes") or []:
        yield from _of_volume(volume, namespace)
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind) or []:
            yield from _of_container(container, namespace)


def _of_volume(volume: Mapping[str, Any], namespace: str) -> Iterator[Name | Key]:
    if claim := volume.get("persistentVolumeClaim"):
        yield Name("", "PersistentVolumeClaim", claim["claimName"], namespace)
    if secret := (volume.get("csi") or {}).get("nodePublishSecretRef"):
        yield Name("", "Secret", secret["name"], namespace)
    for source in (volume, *((volume.get("projected") or {}).get("sources") or [])):
        for field, kind in _SOURCES.items():
            if files := source.get(field):
                wanted = [item["key"] for item in files.get("items") or []]
                name = files.get("name") or files.get("secretName")
                yield from _entries(Name("", kind, name, namespace), files, *wanted)


def _of_container(container: Mapping[str, Any], namespace: str) -> Iterator[Name | Key]:
    for field, kind in _SOURCES.items():
        for source in container.get("envFrom") or []:
            if chosen := source.get(f"{field}Ref"):
                yield from _entries(Name("", kind, chosen["name"], namespace), chosen)
        for variable in container.get("env") or []:
            if chosen := (variable.get("valueFrom") or {}).get(f"{field}KeyRef"):
                yield from _entries(Name("", kind, chosen["name"], namespace), chosen, chosen["key"])


def _entries(of: Name, reference: Mapping[str, Any], *keys: str) -> Iterator[Name | Key]:
    if not reference.get("optional"):
        yield of
        yield from (Key(of, key) for key in keys)
