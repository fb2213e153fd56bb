"""The networks of the other nine NICs of an A3 Ultra node: one for the second gVNIC, a RoCE one for eight RDMA NICs."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from infra.network import MTU, of_network
from settings.addresses import AddressPlan


@dataclass(frozen=True, kw_only=True)
class RdmaNetworkArgs:
    prefix: str
    project: str
    region: str
    zone: str
    """A RoCE network is zonal: its profile names the zone, and nodes of another zone cannot join."""
    nics: int
    """RDMA NICs of a node; each gets a subnet."""
    addresses: AddressPlan


@dataclass(frozen=True, kw_only=True)
class NodeNic:
    """Network and subnet of one additional NIC, by name, in the order of the NICs."""

    network: pulumi.Output[str]
    subnetwork: pulumi.Output[str]


class RdmaNetwork(pulumi.ComponentResource):
    """What a GPU pool's additional node networks point at.

    There is no firewall rule on the RoCE network: it takes none, and its default lets its own nodes talk.
    """

    nics: list[NodeNic]
    """The second gVNIC, then RDMA 0 to 7."""

    def __init__(self, name: str, args: RdmaNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:RdmaNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        gvnic = compute.Network(
            f"{name}-gvnic",
            project=args.project,
            name=f"{args.prefix}-gvnic",
            auto_create_subnetworks=False,
            mtu=MTU,
            opts=child,
        )
        gvnic_subnet = compute.Subnetwork(
            f"{name}-gvnic-subnet",
            project=args.project,
            name=f"{args.prefix}-gvnic",
            network=gvnic.id,
            region=args.region,
            ip_cidr_range=args.addresses.second_gvnic,
            opts=child,
        )
        compute.Firewall(
            f"{name}-gvnic-internal",
            project=args.project,
            name=f"{args.prefix}-gvnic-internal",
            network=gvnic.id,
            direction="INGRESS",
            source_ranges=[args.addresses.second_gvnic],
            allows=[compute.FirewallAllowArgs(protocol=protocol) for protocol in ("tcp", "udp", "icmp")],
            opts=of_network(self),
        )
        roce = compute.Network(
            f"{name}-roce",
            project=args.project,
            name=f"{args.prefix}-rdma",
            auto_create_subnetworks=False,
            mtu=MTU,
            network_profile=f"projects/{args.project}/global/networkProfiles/{args.zone}-vpc-roce",
            opts=child,
        )
        rails = [
            compute.Subnetwork(
                f"{name}-rail-{rail}",
                project=args.project,
                name=f"{args.prefix}-rdma-{rail}",
                network=roce.id,
                region=args.region,
                ip_cidr_range=cidr,
                opts=child,
            )
            for rail, cidr in enumerate(args.addresses.rdma_subnets(args.nics))
        ]
        self.nics = [
            NodeNic(network=gvnic.name, subnetwork=gvnic_subnet.name),
            *(NodeNic(network=roce.name, subnetwork=rail.name) for rail in rails),
        ]
        self.register_outputs({"networks": [nic.network for nic in self.nics]})
