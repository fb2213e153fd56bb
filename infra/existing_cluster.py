"""An existing GKE cluster: looked up, never changed."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import container

from planning import names


@dataclass(frozen=True, kw_only=True)
class ExistingClusterArgs:
    project: str
    location: str
    cluster: str


class ExistingCluster(pulumi.ComponentResource):
    """Facts of an existing cluster that pools and clients need. Cluster and network outlive the stack."""

    cluster_id: str
    dns_endpoint: pulumi.Output[str]
    """Empty if the cluster has none; a kubeconfig context is then needed."""
    subnet_id: pulumi.Output[str]

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:ExistingCluster", name, None, opts)
        self.cluster_id = names.cluster_identifier(args.project, args.location, args.cluster)
        found = container.get_cluster_output(
            name=args.cluster,
            location=args.location,
            project=args.project,
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        self.dns_endpoint = found.apply(dns_endpoint)
        self.subnet_id = found.subnetwork
        self.register_outputs({"clusterId": self.cluster_id, "dnsEndpoint": self.dns_endpoint})


def dns_endpoint(found: container.GetClusterResult) -> str:
    """The DNS name of the control plane; empty if it does not accept external traffic (every cluster has a name)."""
    for config in found.control_plane_endpoints_configs or []:
        for dns in config.dns_endpoint_configs or []:
            if dns.allow_external_traffic:
                return dns.endpoint
    return ""
