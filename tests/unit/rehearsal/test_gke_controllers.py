"""The stand-ins of GKE's controllers against a cluster in memory."""

import threading
from typing import Any

from ops.changes import effects
from ops.rehearsal import gke_controllers
from ops.rehearsal.google import gke
from ops.rehearsal.kube import NotFound
from policies import kinds


class Cluster:
    """The objects of a cluster that has no CRDs of GKE. The address is reserved between two looks at the Services."""

    def __init__(self, *services: dict[str, Any]) -> None:
        self.services, self.looks = list(services), 0
        self.stop = threading.Event()

    def list(self, api_version: str, kind: str) -> list[dict[str, Any]]:
        if kind != "Service":
            raise NotFound(404, kind)
        self.looks += 1
        if self.looks > 3:
            self.stop.set()
        return self.services

    def addresses(self) -> dict[str, str]:
        return {"chat-endpoint": "10.0.0.9"} if self.looks > 1 else {}

    def patch_status(self, api_version: str, kind: str, name: str, status: dict[str, Any], namespace: str) -> None:
        next(each for each in self.services if each["metadata"]["name"] == name)["status"] = status


def service(name: str, type_: str, **annotations: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "dynamo", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"type": type_}, "status": {}}


def address(of: dict[str, Any]) -> str | None:
    found = of["status"].get("loadBalancer")
    return found["ingress"][0]["ip"] if found else None


def test_a_service_gets_an_address_that_is_reserved_after_it(monkeypatch: Any) -> None:
    monkeypatch.setattr(gke_controllers, "_INTERVAL_SECONDS", 0.01)
    named = service("chat", "LoadBalancer", **{gke_controllers._NAMED: "chat-endpoint"})
    lost = service("lost", "LoadBalancer", **{gke_controllers._NAMED: "nowhere"})
    unnamed, internal = service("any", "LoadBalancer"), service("frontend", "ClusterIP")
    cluster: Any = Cluster(named, lost, unnamed, internal)
    gke_controllers.run(cluster, cluster.addresses, cluster.stop)
    assert address(named) == "10.0.0.9"
    assert address(unnamed) == gke_controllers._ANY_ADDRESS
    assert (address(lost), address(internal)) == (None, None)


def test_both_lists_of_what_recreates_nodes_agree() -> None:
    """The stand-in's and the forecast's are written apart, so that a rehearsal can judge; neither may lack an entry."""
    assert set(gke._RECREATE) == set(effects._RECREATED_FOR[kinds.NODE_POOL])
