"""The namespace that graphs live in, and the token for gated models."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from manifests import pod_security
from planning import names
from planning.surroundings import PodSecurityLevel


@dataclass(frozen=True, kw_only=True)
class WorkloadNamespaceArgs:
    namespace: str
    hf_token: pulumi.Output[str] | None
    """A secret output; None where no model is gated, so that no token lies about in the cluster."""
    pod_security: PodSecurityLevel
    """The level of the Pod Security Standards that every pod must keep to. A policy holds most pods to more."""
    labels: dict[str, str]


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
                    # Not `restricted`, for warnings either: workers on GPUs run as root, so every one would warn and
                    # nobody would look.
                    **pod_security.namespace_labels(enforce=args.pod_security, warn="baseline"),
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
