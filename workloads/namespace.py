"""The namespace of the graphs, and the token for gated models."""

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
    """A secret output; None if no model is gated, so that the cluster holds no unneeded token."""
    pod_security: PodSecurityLevel
    """The Pod Security level enforced for every pod. An admission policy is stricter for most pods."""
    labels: dict[str, str]


class WorkloadNamespace(pulumi.ComponentResource):
    """Namespace and Secret of the graphs. Dependents must depend on the whole component, because graphs need both."""

    def __init__(self, name: str, args: WorkloadNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:WorkloadNamespace", name, None, opts)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args.namespace,
                labels={
                    **args.labels,
                    # Not even a warning for `restricted`: GPU workers run as root, so every pod would warn.
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
