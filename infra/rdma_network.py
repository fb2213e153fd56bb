"""The networks of a GPU node's additional NICs: a RoCE network for the RDMA NICs, and one for a second gVNIC."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from infra.network import of_network
from planning.surroundings import Ranges
from planning.waits import Wait


@dataclass(frozen=True, kw_only=True)
class RdmaNetworkArgs:
    prefix: str
    project: str
    region: str
    profile: str
    """The network profile of the RDMA NICs. Each profile is for one zone, and nodes of another zone cannot join."""
    mtu: int
    """MTU of the RoCE network."""
    gvnic_mtu: int
    second_gvnic: bool
    """Whether nodes have one."""
    ranges: Ranges
    wait: Wait
    """For the firewall rule."""


@dataclass(frozen=True, kw_only=True)
class NodeNic:
    """Network and subnet of one additional NIC, by name, in the order of the NICs."""

    network: pulumi.Output[str]
    subnetwork: pulumi.Output[str]


class RdmaNetwork(pulumi.ComponentResource):
    """Networks of a GPU pool's additional NICs.

    The RoCE network has no firewall rules, because it supports none; by default its nodes can reach each other.
    """

    second_gvnic: NodeNic | None
    rails: tuple[NodeNic, ...]
    """One RDMA NIC each, in the order of the NICs."""

    def __init__(self, name: str, args: RdmaNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:RdmaNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.second_gvnic = self._gvnic(name, args) if args.second_gvnic else None
        roce = compute.Network(
            f"{name}-roce",
            project=args.project,
            name=f"{args.prefix}-rdma",
            auto_create_subnetworks=False,
            mtu=args.mtu,
            network_profile=f"projects/{args.project}/global/networkProfiles/{args.profile}",
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
            for rail, cidr in enumerate(args.ranges.rdma_subnets)
        ]
        self.rails = tuple(NodeNic(network=roce.name, subnetwork=rail.name) for rail in rails)
        self.register_outputs({"networks": [nic.network for nic in self.of_a_node(len(rails), args.second_gvnic)]})

    def of_a_node(self, rdma_nics: int, second_gvnic: bool) -> tuple[NodeNic, ...]:
        """Networks of the additional NICs of a node, in the order of the NICs."""
        first = (self.second_gvnic,) if second_gvnic and self.second_gvnic else ()
        return (*first, *self.rails[:rdma_nics])

    def _gvnic(self, name: str, args: RdmaNetworkArgs) -> NodeNic:
        child = pulumi.ResourceOptions(parent=self)
        gvnic = compute.Network(
            f"{name}-gvnic",
            project=args.project,
            name=f"{args.prefix}-gvnic",
            auto_create_subnetworks=False,
            mtu=args.gvnic_mtu,
            opts=child,
        )
        gvnic_subnet = compute.Subnetwork(
            f"{name}-gvnic-subnet",
            project=args.project,
            name=f"{args.prefix}-gvnic",
            network=gvnic.id,
            region=args.region,
            ip_cidr_range=args.ranges.second_gvnic,
            opts=child,
        )
        compute.Firewall(
            f"{name}-gvnic-internal",
            project=args.project,
            name=f"{args.prefix}-gvnic-internal",
            network=gvnic.id,
            direction="INGRESS",
            source_ranges=[args.ranges.second_gvnic],
            allows=[compute.FirewallAllowArgs(protocol=protocol) for protocol in ("tcp", "udp", "icmp")],
            opts=of_network(self, args.wait),
        )
        return NodeNic(network=gvnic.name, subnetwork=gvnic_subnet.name)
