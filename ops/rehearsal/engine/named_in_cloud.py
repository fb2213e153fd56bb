"""What objects of a cluster name in Google Cloud, and whether it is there. Pure.

Only by name: neither region nor purpose of what is named is compared.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from ops.rehearsal.engine.named_by_pods import templates
from ops.rehearsal.google.cloud import Resource
from ops.rehearsal.kubelet.volumes import GCS_FUSE
from policies import kinds

ADDRESSES = "networking.gke.io/load-balancer-ip-addresses"
"""Annotation of a Service with the names of reserved addresses."""
_CERTIFICATES = "networking.gke.io/cert-manager-certs"
_GATEWAY_CLASS = "GatewayClass"
_GATEWAY_CLASSES = (
    "gke-l7-global-external-managed", "gke-l7-gxlb", "gke-l7-regional-external-managed", "gke-l7-rilb",
)  # fmt: skip
"""Those that GKE puts into a cluster whose Gateway API is on, without the ones for several clusters."""
_SECRET = re.compile(r"projects/[^/]+/secrets/([^/\"']+)")

Named = tuple[str, str]
"""Type and name."""


def existing(resources: Sequence[Resource]) -> Set[Named]:
    """What objects may name: the resources, and the gateway classes of GKE."""
    classes = {(_GATEWAY_CLASS, name) for name in _GATEWAY_CLASSES}
    return classes | {named for resource in resources for named in _called(resource)}


def missing(each: Mapping[str, Any], existing: Set[Named]) -> list[str]:
    """What the object names and Google Cloud does not have, each in words."""
    return [f"{type_.rpartition(':')[2]} {name}" for type_, name in _names(each) if (type_, name) not in existing]


def _called(resource: Resource) -> Iterator[Named]:
    """The resource by its name, and a secret by the grant on it: the stack may use one that it did not create."""
    yield resource.type, resource.id.rpartition("/")[2]
    if resource.type == kinds.SECRET_GRANT:
        yield kinds.GOOGLE_SECRET, resource.state["secretId"].rpartition("/")[2]


def _names(each: Mapping[str, Any]) -> Iterator[Named]:
    spec = each.get("spec") or {}
    match each["kind"]:
        case "Gateway":
            yield from _of_gateway(spec)
        case "GCPBackendPolicy":
            if policy := (spec.get("default") or {}).get("securityPolicy"):
                yield kinds.SECURITY_POLICY, policy
        case "Service":
            names = (each["metadata"].get("annotations") or {}).get(ADDRESSES, "")
            yield from ((kinds.ADDRESS, name) for name in _listed(names))
        case "GKENetworkParamSet":
            yield kinds.NETWORK, spec["vpc"]
            yield kinds.SUBNETWORK, spec["vpcSubnet"]
        case "SecretProviderClass":
            secrets = (spec.get("parameters") or {}).get("secrets", "")
            yield from ((kinds.GOOGLE_SECRET, name) for name in _SECRET.findall(secrets))
        case "PersistentVolume":
            if (csi := spec.get("csi") or {}).get("driver") == GCS_FUSE:
                yield kinds.BUCKET, csi["volumeHandle"]
        case _:
            for template in templates(each):
                for volume in template["spec"].get("volumes") or []:
                    if (csi := volume.get("csi") or {}).get("driver") == GCS_FUSE:
                        yield kinds.BUCKET, csi["volumeAttributes"]["bucketName"]


def _of_gateway(spec: Mapping[str, Any]) -> Iterator[Named]:
    yield _GATEWAY_CLASS, spec["gatewayClassName"]
    for address in spec.get("addresses") or []:
        if address.get("type") == "NamedAddress":
            yield kinds.ADDRESS, address["value"]
    for listener in spec.get("listeners") or []:
        certificates = ((listener.get("tls") or {}).get("options") or {}).get(_CERTIFICATES, "")
        yield from ((kinds.CERTIFICATE, name) for name in _listed(certificates))


def _listed(names: str) -> Iterator[str]:
    return filter(None, map(str.strip, names.split(",")))
