"""The cluster's VPC: node subnet, ranges for pods and Services, NAT, proxy-only subnet, the webhook's firewall rule."""

from dataclasses import asdict, dataclass

import pulumi
from pulumi_gcp import compute

from planning.platform import WEBHOOK_PORT
from planning.surroundings import Ranges, Vpc
from planning.waits import Wait

PODS_RANGE = "pods"
SERVICES_RANGE = "services"


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    project: str
    prefix: str
    """The prefix of every physical name."""
    region: str
    ranges: Ranges
    vpc: Vpc
    wait: Wait
    """For each resource of the network."""


class Network(pulumi.ComponentResource):
    """VPC of nodes, pods and load balancers. Nodes have no public addresses and reach the internet through NAT.

    Nodes must depend on `nat`, or they start before they can pull images.
    """

    network_id: pulumi.Output[str]
    subnet_id: pulumi.Output[str]
    nat: compute.RouterNat

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(**asdict(args.wait)))
        ranges = args.ranges
        vpc = compute.Network(
            f"{name}-vpc",
            project=args.project,
            name=args.prefix,
            auto_create_subnetworks=False,
            mtu=args.vpc.mtu,
            routing_mode="REGIONAL",
            opts=child,
        )
        nodes = compute.Subnetwork(
            f"{name}-nodes",
            project=args.project,
            name=f"{args.prefix}-nodes",
            network=vpc.id,
            region=args.region,
            ip_cidr_range=ranges.nodes,
            private_ip_google_access=True,
            secondary_ip_ranges=[
                compute.SubnetworkSecondaryIpRangeArgs(range_name=PODS_RANGE, ip_cidr_range=ranges.pods),
                compute.SubnetworkSecondaryIpRangeArgs(range_name=SERVICES_RANGE, ip_cidr_range=ranges.services),
            ],
            opts=child,
        )
        compute.Subnetwork(
            f"{name}-proxies",
            project=args.project,
            name=f"{args.prefix}-proxies",
            network=vpc.id,
            region=args.region,
            ip_cidr_range=ranges.proxies,
            purpose="REGIONAL_MANAGED_PROXY",
            role="ACTIVE",
            opts=child,
        )
        router = compute.Router(
            f"{name}-router",
            project=args.project,
            name=args.prefix,
            network=vpc.id,
            region=args.region,
            opts=child,
        )
        self.nat = compute.RouterNat(
            f"{name}-nat",
            project=args.project,
            name=args.prefix,
            router=router.name,
            region=args.region,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            # These two exclude each other.
            enable_dynamic_port_allocation=True,
            enable_endpoint_independent_mapping=False,
            min_ports_per_vm=args.vpc.min_nat_ports,
            max_ports_per_vm=args.vpc.max_nat_ports,
            log_config=compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            opts=child,
        )
        webhook_rule(
            self, name, args.wait, project=args.project, network=vpc.id, prefix=args.prefix, nodes=ranges.nodes
        )
        self.network_id = vpc.id
        self.subnet_id = nodes.id
        self.register_outputs({"networkId": self.network_id, "subnetId": self.subnet_id})


def of_network(parent: pulumi.Resource, wait: Wait) -> pulumi.ResourceOptions:
    """Options of a firewall rule: replaced with its network. The provider would move the rule in place, but a replaced
    VPC can be deleted only after its rules."""
    return pulumi.ResourceOptions(
        parent=parent,
        replace_on_changes=["network"],
        delete_before_replace=True,
        custom_timeouts=pulumi.CustomTimeouts(**asdict(wait)),
    )


def webhook_rule(
    parent: pulumi.Resource,
    name: str,
    wait: Wait,
    *,
    project: str,
    network: pulumi.Input[str],
    prefix: str,
    nodes: pulumi.Input[str],
) -> compute.Firewall:
    """Firewall rule that lets the control plane reach the webhook on nodes of the range `nodes`."""
    return compute.Firewall(
        f"{name}-webhook",
        project=project,
        name=f"{prefix}-webhook",
        network=network,
        direction="INGRESS",
        # The control plane's private address is in the node subnet by default.
        source_ranges=[nodes],
        allows=[compute.FirewallAllowArgs(protocol="tcp", ports=[str(WEBHOOK_PORT)])],
        opts=of_network(parent, wait),
    )
