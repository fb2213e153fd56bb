"""The Kubernetes provider of the cluster, through its DNS endpoint or a kubeconfig context."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s


@dataclass(frozen=True, kw_only=True)
class ClusterAccessArgs:
    cluster_identifier: str
    """The provider's identity of the cluster, known before the cluster exists. Without it, a kubeconfig that is unknown
    in a preview would plan the replacement of every object."""
    dns_endpoint: pulumi.Output[str] | None
    context: str | None
    """Context in the machine's own kubeconfig; overrides the DNS endpoint."""


def kubeconfig(dns_endpoint: str) -> str:
    """A kubeconfig that gets each token from gke-gcloud-auth-plugin and contains none, so it is not secret.

    Raises RunError without an endpoint, which only an existing cluster may lack. The kubeconfig has no
    `certificate-authority-data`, because the DNS endpoint has a public certificate.
    """
    if not dns_endpoint:
        raise pulumi.RunError(
            "cluster.existing: the cluster has no DNS endpoint; add one with `gcloud container clusters update "
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
    """Access to the cluster. Every object in the cluster uses `provider` explicitly."""

    provider: k8s.Provider

    def __init__(self, name: str, args: ClusterAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:ClusterAccess", name, None, opts)
        self.provider = k8s.Provider(
            f"{name}-provider",
            cluster_identifier=args.cluster_identifier,
            context=args.context,
            kubeconfig=None if args.context or args.dns_endpoint is None else args.dns_endpoint.apply(kubeconfig),
            enable_server_side_apply=True,
            # Updates in place. By default the provider deletes and recreates objects with fixed names.
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
