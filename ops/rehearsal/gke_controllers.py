"""Stand-ins of three controllers of GKE: a load balancer has its address, a gateway serves, a secret was copied.

They prove nothing of these: no load balancer and no certificate exists, and the copy holds a made-up token. A gateway
waits until what it names in Google Cloud exists, as GKE's would.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ops.rehearsal.engine import named_in_cloud
from ops.rehearsal.google.cloud import Resource
from ops.rehearsal.kube import Kube, NotFound, Objects
from planning import names
from policies import kinds

_INTERVAL_SECONDS = 0.5
_DATE = "2026-01-01T00:00:00Z"
_PROGRAMMED = {
    "type": "Programmed", "status": "True", "reason": "Programmed", "message": "", "lastTransitionTime": _DATE,
}  # fmt: skip
_ANY_ADDRESS = "10.0.15.200"
"""Of Services that name none."""


def run(kube: Kube, resources: Callable[[], Sequence[Resource]], stop: threading.Event) -> None:
    """Writes the statuses until `stop` is set. `resources`: those of Google Cloud.

    Looks again and again: what a status needs, such as an address, may appear without a change of the object.
    """
    while not stop.wait(_INTERVAL_SECONDS):
        with suppress(NotFound):  # deleted meanwhile
            _assign_addresses(kube, resources)
        with suppress(NotFound):  # the kinds come with the cluster
            for gateway in _without(kube, "gateway.networking.k8s.io/v1", "Gateway", "conditions"):
                if not named_in_cloud.missing(gateway, named_in_cloud.existing(resources())):
                    _write(kube, gateway, {"conditions": [_PROGRAMMED]})
            for sync in _without(kube, "secret-sync.gke.io/v1", "SecretSync", "lastSuccessfulSyncTime"):
                metadata = {key: sync["metadata"][key] for key in ("name", "namespace")}
                data = {names.HF_TOKEN_KEY: "hf_synced"}
                kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})
                _write(kube, sync, {"lastSuccessfulSyncTime": _DATE})


def _assign_addresses(kube: Kube, resources: Callable[[], Sequence[Resource]]) -> None:
    """Gives each Service of type LoadBalancer the address that it names, as soon as that is reserved."""
    for service in _without(kube, "v1", "Service", "loadBalancer"):
        if service["spec"].get("type") == "LoadBalancer":
            name = service["metadata"].get("annotations", {}).get(named_in_cloud.ADDRESSES)
            if address := _address(name, resources()) if name else _ANY_ADDRESS:
                _write(kube, service, {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}})


def _address(name: str, resources: Sequence[Resource]) -> str | None:
    reserved = {each.state["name"]: each.state["address"] for each in resources if each.type == kinds.ADDRESS}
    return reserved.get(name)


def _without(kube: Kube, api_version: str, kind: str, field: str) -> Objects:
    return [each for each in kube.list(api_version, kind) if not (each.get("status") or {}).get(field)]


def _write(kube: Kube, each: dict[str, Any], status: dict[str, Any]) -> None:
    metadata = each["metadata"]
    kube.patch_status(each["apiVersion"], each["kind"], metadata["name"], status, metadata["namespace"])
