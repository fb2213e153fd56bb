"""An existing VPC of this project or a Shared VPC: looked up, and opened for the operator's webhook."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from infra.network import webhook_rule
from infra.services import ProjectServices
from planning.waits import Wait


@dataclass(frozen=True, kw_only=True)
class ExistingNetworkArgs:
    prefix: str
    project: str
    """The stack's project."""
    host_project: str
    """The VPC's project, which differs for a Shared VPC."""
    region: str
    vpc: str
    subnet: str
    services: ProjectServices
    wait: Wait
    """For the firewall rule."""


class ExistingNetwork(pulumi.ComponentResource):
    """Creates only the webhook's firewall rule; the VPC's owner provides NAT and proxy-only subnet.

    In a Shared VPC, the host project's owner must also create that rule (docs/adopt.md has the command). Without it,
    every write of a graph times out.
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
                # In a new project, the lookup must wait until the API is on.
                opts=pulumi.InvokeOutputOptions(parent=self, depends_on=[args.services.enabled["compute"]]),
            )
            webhook_rule(
                self,
                name,
                args.wait,
                project=args.project,
                network=self.network_id,
                prefix=args.prefix,
                nodes=subnet.ip_cidr_range,
            )
        self.register_outputs({"networkId": self.network_id, "subnetId": self.subnet_id})
