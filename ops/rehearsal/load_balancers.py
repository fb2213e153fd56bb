"""Gives each Service of type LoadBalancer its address, as GKE's controller does.

Not shown: the load balancer itself, its health checks and firewall rules. Nothing answers at the address.
"""

import threading
from contextlib import suppress
from typing import Any

from ops.rehearsal.kube import Kube, NotFound

_ANY_ADDRESS = "10.0.15.200"
"""Of Services that ask for none."""


def run(kube: Kube, stop: threading.Event) -> None:
    """Gives addresses until `stop` is set."""
    for event in kube.watch("v1", "Service", stop=stop):
        service = event.object
        if event.type == "DELETED" or service["spec"].get("type") != "LoadBalancer" or _has_address(service):
            continue
        address = service["spec"].get("loadBalancerIP") or _ANY_ADDRESS
        metadata = service["metadata"]
        with suppress(NotFound):  # deleted meanwhile
            status = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
            kube.patch_status("v1", "Service", metadata["name"], status, metadata["namespace"])


def _has_address(service: dict[str, Any]) -> bool:
    return bool(service.get("status", {}).get("loadBalancer", {}).get("ingress"))
