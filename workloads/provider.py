"""The Kubernetes provider of the cluster, by way of its DNS endpoint or of a kubeconfig context."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s


@dataclass(frozen=True, kw_only=True)
class ClusterAccessArgs:
    cluster_identifier: str
    """Known before the cluster is. The provider goes by it, not by the kubeconfig, to tell one cluster from another;
    otherwise a kubeconfig that is merely unknown in a preview would plan the replacement of every object."""
    dns_endpoint: pulumi.Output[str] | None
    context: str | None
    """Of the machine's own kubeconfig; it goes before the DNS endpoint."""


def kubeconfig(dns_endpoint: str) -> str:
    """A kubeconfig that asks gke-gcloud-auth-plugin for a token each time and holds none, so it is no secret.

    Raises RunError without an endpoint, which only a cluster that is there may lack.

    Without `certificate-authority-data`: the DNS endpoint has a public certificate, and the cluster's own authority
    would refuse it.
    """
    if not dns_endpoint:
        raise pulumi.RunError(
            "cluster.existing: the cluster has no DNS endpoint; give it one with `gcloud container clusters update "
            "NAME --location LOCATION --enable-dns-access`, or name a kubeconfig context in cluster.existing.context"
        )
    name = "dynamo-gke"
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": f"https://{dns_endpoint}"}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
            "users": [
                {
                    "name": name,
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "gke-gcloud-auth-plugin",
                            "interactiveMode": "Never",
                            "provideClusterInfo": True,
                        }
                    },
                }
            ],
        }
    )


class ClusterAccess(pulumi.ComponentResource):
    """`provider` is what every object in the cluster is made with, explicitly."""

    provider: k8s.Provider

    def __init__(self, name: str, args: ClusterAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:ClusterAccess", name, None, opts)
        self.provider = k8s.Provider(
            f"{name}-provider",
            cluster_identifier=args.cluster_identifier,
            context=args.context,
            kubeconfig=None if args.context or args.dns_endpoint is None else args.dns_endpoint.apply(kubeconfig),
            enable_server_side_apply=True,
            # Changed in place; by default they would be replaced, and with a fixed name that means gone for a while.
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
