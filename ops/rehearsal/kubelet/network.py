"""Addresses of the simulated cluster: every address of 10.0.0.0/8 is this machine's own, in the private network.

So pods and services keep the addresses that the control plane gave them, and one process answers for all. There is no
kube-proxy and no CNI: NetworkPolicies are not enforced, and a Service without ready pods resets a connection instead of
refusing it.
"""

import fcntl
import random
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops.local.private_network import interfaces_up
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.kube import Kube

HUB = "10.250.0.1"
JOB_PODS = "10.245"
"""The first half of the addresses of Jobs' pods. kwok gives the others an address of its own range (stages.yaml)."""

_SIOCSIFADDR = 0x8916  # linux/sockios.h
# Without a mask, the address is of class A: the kernel then counts all of 10.0.0.0/8 to loopback.
_ANY = "10.0.0.1"


def claim_addresses() -> None:
    """Makes 10.0.0.0/8 local. Raises RehearsalError outside a private network, where the addresses may be others'."""
    if others := interfaces_up() - {"lo", "lo:1"}:
        raise RehearsalError(f"the rehearsal's network is not private: it has {', '.join(sorted(others))}")
    request = struct.pack("16sHH4s16x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(_ANY))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFADDR, request)


def job_pod_addresses() -> Iterator[str]:
    """A different address for each pod of a Job."""
    for number in range(1, 2**16 - 1):
        yield f"{JOB_PODS}.{number // 256}.{number % 256}"


@dataclass(frozen=True)
class Network:
    """Who answers at an address, as the API server knows it at that moment."""

    kube: Kube

    def hosts(self) -> dict[str, str]:
        """Host name → address, for the DNS names of all Services."""
        return {
            name: service["spec"]["clusterIP"]
            for service in self.kube.list("v1", "Service")
            if service["spec"].get("clusterIP") not in (None, "None", "")
            for name in _names(service["metadata"]["name"], service["metadata"]["namespace"])
        }

    def pod(self, address: str, port: int) -> tuple[dict[str, Any], int] | None:
        """The running pod behind a pod's or a Service's address, and the port there; None where nobody listens."""
        pods = [pod for pod in self.kube.list("v1", "Pod") if pod["status"].get("phase") == "Running"]
        for pod in pods:
            if pod["status"].get("podIP") == address:
                return pod, port
        for service in self.kube.list("v1", "Service"):
            if service["spec"].get("clusterIP") == address:
                found = self._endpoint(service, port)
                return next(((pod, found[1]) for pod in pods if found and pod["metadata"]["uid"] == found[0]), None)
        return None

    def _endpoint(self, service: dict[str, Any], port: int) -> tuple[str, int] | None:
        """A ready endpoint of a Service, chosen as kube-proxy does: any. Its pod's UID and its port."""
        names = [each.get("name", "") for each in service["spec"].get("ports", ()) if each["port"] == port]
        if not names:
            return None
        metadata = service["metadata"]
        slices = self.kube.list(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            metadata["namespace"],
            f"kubernetes.io/service-name={metadata['name']}",
        )
        ready = [
            (endpoint["targetRef"]["uid"], each["port"])
            for found in slices
            for each in found.get("ports") or ()
            if each.get("name", "") == names[0]
            for endpoint in found.get("endpoints") or ()
            if endpoint.get("conditions", {}).get("ready") and endpoint.get("targetRef", {}).get("kind") == "Pod"
        ]
        return random.choice(ready) if ready else None


def _names(service: str, namespace: str) -> tuple[str, ...]:
    whole = f"{service}.{namespace}.svc"
    return whole, f"{whole}.cluster.local", f"{service}.{namespace}"
