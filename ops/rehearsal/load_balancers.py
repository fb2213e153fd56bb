"""Assigns each Service of type LoadBalancer its address, as GKE's controller does.

Not shown: the load balancer itself, its health checks and firewall rules. Nothing answers at the address.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ops.rehearsal.kube import Kube, NotFound

_NAMED = "networking.gke.io/load-balancer-ip-addresses"
"""Annotation with the name of a reserved address."""
_ANY_ADDRESS = "10.0.15.200"
"""Of Services that name none."""


def run(kube: Kube, addresses: Callable[[], Mapping[str, str]], stop: threading.Event) -> None:
    """Assigns addresses until `stop` is set. `addresses`: the reserved ones by name. One that does not exist waits."""
    for event in kube.watch("v1", "Service", stop=stop):
        service = event.object
        if event.type == "DELETED" or service["spec"].get("type") != "LoadBalancer" or _has_address(service):
            continue
        metadata = service["metadata"]
        name = metadata.get("annotations", {}).get(_NAMED)
        address = addresses().get(name) if name else _ANY_ADDRESS
        if not address:
            continue
        with suppress(NotFound):  # deleted meanwhile
            status = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
            kube.patch_status("v1", "Service", metadata["name"], status, metadata["namespace"])


def _has_address(service: dict[str, Any]) -> bool:
    return bool(service.get("status", {}).get("loadBalancer", {}).get("ingress"))
