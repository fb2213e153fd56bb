"""A VPC that is there, of this project or shared by another: named, and opened for the operator's webhook."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from infra.network import of_network, webhook_rule
from infra.services import ProjectServices


@dataclass(frozen=True, kw_only=True)
class ExistingNetworkArgs:
    prefix: str
    project: str
    """The stack's."""
    host_project: str
    """The VPC's; another for a Shared VPC."""
    region: str
    vpc: str
    subnet: str
    services: ProjectServices


class ExistingNetwork(pulumi.ComponentResource):
    """Makes a firewall rule at most: NAT and proxy-only subnet belong to those who run the VPC.

    Not even the rule in a Shared VPC, whose firewall is the host project's: without it every write of a graph times
    out. docs/adopt.md has the command.
    """

    network_id: str
    subnet_id: str

    def __init__(self, name: str, args: ExistingNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:ExistingNetwork", name, None, opts)
        self.network_id = f"projects/{args.host_project}/global/networks/{args.vpc}"
        self.subnet_id = f"projects/{args.host_project}/regions/{args.region}/subnetworks/{args.subnet}"
        if args.host_project == args.project:
            subnet = compute.get_subnetwork_output(
                name=args.subnet,
                region=args.region,
                project=args.host_project,
                # In a project where the API is still off, the question has to wait for it.
                opts=pulumi.InvokeOutputOptions(parent=self, depends_on=[args.services.enabled["compute"]]),
            )
            webhook_rule(
                name,
                project=args.project,
                network=self.network_id,
                prefix=args.prefix,
                nodes=subnet.ip_cidr_range,
                opts=of_network(self),
            )
        self.register_outputs({"networkId": self.network_id, "subnetId": self.subnet_id})
