"""The stand-ins of GKE's controllers against a cluster in memory."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ops.changes import effects
from ops.rehearsal import gke_controllers
from ops.rehearsal.engine import named_in_cloud
from ops.rehearsal.google import gke
from ops.rehearsal.google.cloud import Resource
from ops.rehearsal.kube import Event, NotFound
from ops.rehearsal.stand_in import StandIn
from planning import names
from policies import kinds
from workloads.gateway import gateway_spec

LOOKS = 3
SECONDS = 2.0


class Cluster:
    """The objects of a cluster. What Google Cloud has is created between two looks at the Services."""

    def __init__(self, later: Sequence[Resource], *objects: dict[str, Any]) -> None:
        self.later, self.objects, self.looks = later, objects, 0
        self.stop = threading.Event()

    def list(self, api_version: str, kind: str) -> list[dict[str, Any]]:
        if kind == "Service":
            self.looks += 1
            if self.looks > LOOKS:
                self.stop.set()
        found = [each for each in self.objects if each["kind"] == kind]
        if kind != "Service" and not found:
            raise NotFound(404, kind)
        return found

    def watch(self, *_: str, **__: Any) -> Iterator[Event]:
        self.stop.wait()
        yield from ()

    def resources(self) -> Sequence[Resource]:
        return self.later if self.looks > 1 else []

    def patch_status(self, api_version: str, kind: str, name: str, status: dict[str, Any], namespace: str) -> None:
        found = next(each for each in self.objects if (each["kind"], each["metadata"]["name"]) == (kind, name))
        found["status"] = {**status, "look": self.looks}


def service(name: str, type_: str, **annotations: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "dynamo", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"type": type_}, "status": {}}


def resource(type_: str, name: str, /, **state: Any) -> Resource:
    return Resource(type=type_, id=f"projects/p/{name}", urn=f"urn:pulumi:s::p::{type_}::it", state=state)


def address(of: dict[str, Any]) -> str | None:
    found = of["status"].get("loadBalancer")
    return found["ingress"][0]["ip"] if found else None


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gke_controllers, "_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(gke_controllers, "_TICK_SECONDS", 2 * SECONDS)


def run(cluster: Any) -> None:
    """Ends after some looks, or when none follows because nothing waits."""
    threading.Timer(SECONDS, cluster.stop.set).start()
    gke_controllers.run(StandIn("controllers of GKE", cluster, Path("/nowhere"), cluster.stop), cluster.resources)


def test_a_service_gets_an_address_that_is_reserved_after_it() -> None:
    named = service("chat", "LoadBalancer", **{named_in_cloud.ADDRESSES: "chat-endpoint"})
    lost = service("lost", "LoadBalancer", **{named_in_cloud.ADDRESSES: "nowhere"})
    unnamed, internal = service("any", "LoadBalancer"), service("frontend", "ClusterIP")
    reserved = resource(kinds.ADDRESS, "chat-endpoint", name="chat-endpoint", address="10.0.0.9")
    run(Cluster([reserved], named, lost, unnamed, internal))
    assert address(named) == "10.0.0.9"
    assert address(unnamed) == gke_controllers._ANY_ADDRESS
    assert (address(lost), address(internal)) == (None, None)


@pytest.mark.parametrize(
    ("class_", "address_", "certificate", "serves"),
    [
        (names.PUBLIC_GATEWAY_CLASS, "public", "domain", True),
        ("gke-l7-regional", "public", "domain", False),
        (names.PUBLIC_GATEWAY_CLASS, "publc", "domain", False),
        (names.PUBLIC_GATEWAY_CLASS, "public", "domian", False),
    ],
)
def test_a_gateway_serves_once_what_it_names_exists(class_: str, address_: str, certificate: str, serves: bool) -> None:
    spec = {**gateway_spec(address_, certificate), "gatewayClassName": class_}
    gateway: dict[str, Any] = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "public", "namespace": "dynamo"},
        "spec": spec,
    }
    has = [resource(kinds.ADDRESS, "public", name="public", address="1.2.3.4"), resource(kinds.CERTIFICATE, "domain")]
    run(Cluster(has, gateway))
    status = gateway.get("status", {})
    assert [each["type"] for each in status.get("conditions", ())] == (["Programmed"] if serves else [])
    assert status.get("look", 2) == 2  # not before


def test_both_lists_of_what_recreates_nodes_agree() -> None:
    """The stand-in's and the forecast's are written apart, so that a rehearsal can judge; neither may lack an entry."""
    assert set(gke._RECREATE) == set(effects._RECREATED_FOR[kinds.NODE_POOL])
