"""The networks of a GPU node's additional NICs as objects of the cluster, which pods name in annotations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from planning import names
from workloads.custom_object import custom_object
from workloads.foundation import Nic

GROUP = "networking.gke.io"
API_VERSION = f"{GROUP}/v1"
PARAMETERS = "GKENetworkParamSet"


@dataclass(frozen=True, kw_only=True)
class DeviceNetworksArgs:
    namespace: str
    """The graphs' namespace. The objects are cluster-scoped, and the namespace in their names separates stacks."""
    second_gvnic: Nic | None
    rails: Sequence[Nic]
    """The RDMA NICs, in the order of the node pools."""
    labels: dict[str, str]


def parameters_spec(nic: Nic, *, rdma: bool) -> dict[str, Any]:
    """The network's names in Google Cloud (not its links), and how pods get its NICs."""
    return {"vpc": nic.network, "vpcSubnet": nic.subnetwork, "deviceMode": "RDMA" if rdma else "NetDevice"}


def network_spec(parameters: str) -> dict[str, Any]:
    return {"type": "Device", "parametersRef": {"group": GROUP, "kind": PARAMETERS, "name": parameters}}


class DeviceNetworks(pulumi.ComponentResource):
    """Cluster-scoped networks through which pods without claims get their RDMA NICs.

    Must not be combined with GKE's DRA driver, which takes the same NICs.
    """

    def __init__(self, name: str, args: DeviceNetworksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:DeviceNetworks", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        rails = zip(names.rdma_networks(args.namespace, len(args.rails)), args.rails, strict=True)
        gvnic = [(names.gvnic_network(args.namespace), args.second_gvnic)] if args.second_gvnic else []
        for network, nic in (*gvnic, *rails):
            head = {"apiVersion": API_VERSION, "metadata": {"name": network, "labels": args.labels}}
            parameters = custom_object(
                f"{name}-{network}-parameters",
                head | {"kind": PARAMETERS, "spec": parameters_spec(nic, rdma=nic is not args.second_gvnic)},
                child,
            )
            custom_object(
                f"{name}-{network}",
                head | {"kind": "Network", "spec": network_spec(network)},
                # GKE keeps parameters while a network refers to them, so the network must be deleted first.
                pulumi.ResourceOptions(parent=self, depends_on=[parameters]),
            )
        self.register_outputs({})
