"""An object that names what Google Cloud does not have is a complaint."""

from typing import Any

import pytest

from ops.rehearsal.engine.named_in_cloud import ADDRESSES
from ops.rehearsal.engine.named_objects import violations
from ops.rehearsal.google.cloud import Resource
from ops.rehearsal.google.outputs import IDS
from ops.rehearsal.kubelet.volumes import GCS_FUSE
from planning import names
from policies import kinds
from tests.unit.rehearsal.test_named_objects import made
from workloads.device_networks import parameters_spec
from workloads.gateway import gateway_spec
from workloads.synced_token import provider_class
from workloads.weights import read_volume


def resource(type_: str, **state: str) -> Resource:
    place = {"project": "p", "region": "r", "location": "r", "role": "r", "member": "m"}
    id_ = IDS[type_].format(**place, **state)
    return Resource(type=type_, id=id_, urn=f"urn:pulumi:s::p::{type_}::it", state={**place, **state})


CLOUD = [
    resource(kinds.ADDRESS, name="public"),
    resource(kinds.CERTIFICATE, name="domain"),
    resource(kinds.SECURITY_POLICY, name="clients"),
    resource(kinds.NETWORK, name="rail"),
    resource(kinds.SUBNETWORK, name="rail-sub"),
    resource(kinds.BUCKET, name="weights"),
    resource(kinds.GOOGLE_SECRET, secretId="own"),
    resource(kinds.SECRET_GRANT, secretId="given"),
]


def gateway(class_: str = names.PUBLIC_GATEWAY_CLASS, address: str = "public", of: str = "domain") -> dict[str, Any]:
    spec = {**gateway_spec(address, of), "gatewayClassName": class_}
    return made("gateway.networking.k8s.io/v1", "Gateway", "g", spec=spec)


def backend(policy: str) -> dict[str, Any]:
    target = {"group": "", "kind": "Service", "name": "s"}
    return made("networking.gke.io/v1", "GCPBackendPolicy", "b",
                spec={"default": {"securityPolicy": policy}, "targetRef": target})  # fmt: skip


def service(address: str) -> dict[str, Any]:
    each = made("v1", "Service", "s", spec={"type": "LoadBalancer"})
    each["metadata"]["annotations"] = {ADDRESSES: address}
    return each


class Rail:
    def __init__(self, network: str, subnetwork: str) -> None:
        self.network, self.subnetwork = network, subnetwork


def rail(network: str, subnetwork: str) -> dict[str, Any]:
    spec = parameters_spec(Rail(network, subnetwork), rdma=True)
    return made("networking.gke.io/v1", "GKENetworkParamSet", "n", None, spec=spec)


def job(bucket: str) -> dict[str, Any]:
    csi = {"driver": GCS_FUSE, "volumeAttributes": {"bucketName": bucket}}
    spec = {"template": {"spec": {"volumes": [{"name": "v", "csi": csi}], "containers": []}}}
    return made("batch/v1", "Job", "j", spec=spec)


CASES: list[tuple[dict[str, Any], str]] = [
    (gateway(), ""),
    (gateway(class_="gke-l7-regional"), "Gateway g names GatewayClass gke-l7-regional"),
    (gateway(address="publc"), "Gateway g names Address publc"),
    (gateway(of="domian"), "Gateway g names Certificate domian"),
    (gateway(of="domain,other"), "Gateway g names Certificate other"),
    (backend("clients"), ""),
    (backend("client"), "GCPBackendPolicy b names RegionSecurityPolicy client"),
    (service("public"), ""),
    (service("publc"), "Service s names Address publc"),
    (rail("rail", "rail-sub"), ""),
    (rail("rails", "rail-sub"), "GKENetworkParamSet n names Network rails"),
    (rail("rail", "rail"), "GKENetworkParamSet n names Subnetwork rail"),
    (provider_class("p", "dynamo", "own", {}), ""),
    (provider_class("p", "dynamo", "given", {}), ""),
    (provider_class("p", "dynamo", "none", {}), "SecretProviderClass hf-token names Secret none"),
    (read_volume("dynamo", "weights", (), {}), ""),
    (read_volume("dynamo", "weight", (), {}), "PersistentVolume weights names Bucket weight"),
    (job("weights"), ""),
    (job("weight"), "Job j names Bucket weight"),
]


@pytest.mark.parametrize(("each", "said"), CASES)
def test_what_an_object_names_in_google_cloud_exists(each: dict[str, Any], said: str) -> None:
    existing = [made("v1", "Service", "s")]
    wanted = [f"{said}, which does not exist in Google Cloud"] if said else []
    assert list(violations([each], [*existing, each], CLOUD)) == wanted


def test_a_gateway_names_all_that_it_lacks() -> None:
    said = list(violations([gateway("x", "y", "z")], [], CLOUD))
    assert [each.split(",")[0].partition(" names ")[2] for each in said] == [
        "GatewayClass x",
        "Address y",
        "Certificate z",
    ]
