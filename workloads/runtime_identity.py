"""The identity of a graph's pods: a Kubernetes service account of their own, which IAM can grant roles to."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from planning import names


@dataclass(frozen=True, kw_only=True)
class RuntimeIdentityArgs:
    namespace: str
    graph: str
    labels: dict[str, str]


class RuntimeIdentity(pulumi.ComponentResource):
    """Service account of a graph's pods, bound to the operator's discovery Role.

    Without the binding, workers and frontends cannot find each other. The operator creates the Role with the graph, and
    so after the binding, which may name a Role that does not exist yet. Unverified: that the operator keeps the Role's
    name, and does not change an account that it did not choose.
    """

    def __init__(self, name: str, args: RuntimeIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:RuntimeIdentity", name, None, opts)
        account = names.runtime_account(args.graph)
        metadata = k8s.meta.v1.ObjectMetaArgs(name=account, namespace=args.namespace, labels=args.labels)
        # The token is mounted, because discovery uses the Kubernetes API.
        k8s.core.v1.ServiceAccount(f"{name}-account", metadata=metadata, opts=pulumi.ResourceOptions(parent=self))
        k8s.rbac.v1.RoleBinding(
            f"{name}-binding",
            metadata=metadata,
            role_ref=k8s.rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="Role", name=names.discovery_role(args.graph)
            ),
            subjects=[k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=account, namespace=args.namespace)],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
