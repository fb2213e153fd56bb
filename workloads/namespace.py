"""The namespace that graphs live in, and the token for gated models."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from planning import names


@dataclass(frozen=True, kw_only=True)
class WorkloadNamespaceArgs:
    namespace: str
    hf_token: pulumi.Output[str] | None
    """A secret output; None where no model is gated, so that no token lies about in the cluster."""
    pod_security: str
    """The level of the Pod Security Standards that the pods must keep to."""
    labels: dict[str, str]


def pod_security(*, rdma: bool) -> str:
    """The strictest level to enforce. RDMA pins memory, for which workers add IPC_LOCK and SYS_RESOURCE."""
    return "privileged" if rdma else "baseline"


class WorkloadNamespace(pulumi.ComponentResource):
    """Depend on it whole: the graphs need the Secret as well as the namespace."""

    def __init__(self, name: str, args: WorkloadNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:WorkloadNamespace", name, None, opts)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args.namespace,
                labels={
                    **args.labels,
                    "pod-security.kubernetes.io/enforce": args.pod_security,
                    # Told even where it is not enforced: then the two capabilities and whatever else comes in. Not
                    # restricted: workers run as root, so every pod would be told of and nobody would look.
                    "pod-security.kubernetes.io/audit": "baseline",
                    "pod-security.kubernetes.io/warn": "baseline",
                },
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        if args.hf_token is not None:
            k8s.core.v1.Secret(
                f"{name}-hf-token",
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=names.HF_TOKEN_SECRET, namespace=args.namespace, labels=args.labels
                ),
                string_data={names.HF_TOKEN_KEY: args.hf_token},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace]),
            )
        self.register_outputs({})
