"""Stand-ins of three controllers of GKE: a load balancer has its address, a gateway serves, a secret was copied.

They prove nothing of these: no load balancer and no certificate exists, and the copy holds a made-up token. A gateway
waits until what it names in Google Cloud exists, as GKE's would.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from ops.rehearsal.engine import named_in_cloud
from ops.rehearsal.google.cloud import Resource
from ops.rehearsal.kube import Kube, NotFound, Objects
from ops.rehearsal.stand_in import StandIn
from planning import names
from policies import kinds

_Kind = tuple[str, str]
_GATEWAY: _Kind = ("gateway.networking.k8s.io/v1", "Gateway")
_SECRET_SYNC: _Kind = ("secret-sync.gke.io/v1", "SecretSync")
_SERVICE: _Kind = ("v1", "Service")
_INTERVAL_SECONDS = 0.5
"""While something waits for a status: what that needs, such as an address, may appear without a change of it."""
_TICK_SECONDS = 5.0
_DATE = "2026-01-01T00:00:00Z"
_PROGRAMMED = {
    "type": "Programmed", "status": "True", "reason": "Programmed", "message": "", "lastTransitionTime": _DATE,
}  # fmt: skip
_ANY_ADDRESS = "10.0.15.200"
"""Of Services that name none."""


def run(stand_in: StandIn, resources: Callable[[], Sequence[Resource]]) -> None:
    """Writes the statuses until the stand-in is stopped. `resources`: those of Google Cloud."""
    kube = stand_in.kube

    def look() -> float:
        looks = (_assign_addresses(kube, resources), _program_gateways(kube, resources), _copy_secrets(kube))
        return _INTERVAL_SECONDS if True in [*map(_something_waits, looks)] else _TICK_SECONDS

    stand_in.run([(*each, "") for each in (_SERVICE, _GATEWAY, _SECRET_SYNC)], look)


Waits = Iterator[bool]
"""Of each object without a status, whether it has to wait for it."""


def _something_waits(look: Waits) -> bool:
    found = False
    with suppress(NotFound):  # the kinds come with the cluster, and an object may be deleted meanwhile
        for waits in look:
            found = found or waits
    return found


def _assign_addresses(kube: Kube, resources: Callable[[], Sequence[Resource]]) -> Waits:
    """Gives each Service of type LoadBalancer the address that it names, as soon as that is reserved."""
    for service in _without(kube, _SERVICE, "loadBalancer"):
        if service["spec"].get("type") == "LoadBalancer":
            name = service["metadata"].get("annotations", {}).get(named_in_cloud.ADDRESSES)
            if address := _address(name, resources()) if name else _ANY_ADDRESS:
                _write(kube, service, {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}})
            yield not address


def _program_gateways(kube: Kube, resources: Callable[[], Sequence[Resource]]) -> Waits:
    for gateway in _without(kube, _GATEWAY, "conditions"):
        missing = named_in_cloud.missing(gateway, named_in_cloud.existing(resources()))
        if not missing:
            _write(kube, gateway, {"conditions": [_PROGRAMMED]})
        yield bool(missing)


def _copy_secrets(kube: Kube) -> Waits:
    for sync in _without(kube, _SECRET_SYNC, "lastSuccessfulSyncTime"):
        metadata = {key: sync["metadata"][key] for key in ("name", "namespace")}
        data = {names.HF_TOKEN_KEY: "hf_synced"}
        kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})
        _write(kube, sync, {"lastSuccessfulSyncTime": _DATE})
        yield False


def _address(name: str, resources: Sequence[Resource]) -> str | None:
    reserved = {each.state["name"]: each.state["address"] for each in resources if each.type == kinds.ADDRESS}
    return reserved.get(name)


def _without(kube: Kube, kind: _Kind, field: str) -> Objects:
    return [each for each in kube.list(*kind) if not (each.get("status") or {}).get(field)]


def _write(kube: Kube, each: dict[str, Any], status: dict[str, Any]) -> None:
    metadata = each["metadata"]
    kube.patch_status(each["apiVersion"], each["kind"], metadata["name"], status, metadata["namespace"])
