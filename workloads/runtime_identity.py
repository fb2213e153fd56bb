"""Who a graph's pods are: a Kubernetes service account of their own, which Google's IAM can be told about."""

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
    """Prevents pods that start and find no peers: an account of ours may look for them only by this binding.

    The Role is the operator's, made with the graph and so after the binding, which may name what is yet to come.
    Unverified: that the operator keeps that name, and leaves an account alone that it did not choose.
    """

    def __init__(self, name: str, args: RuntimeIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:RuntimeIdentity", name, None, opts)
        account = names.runtime_account(args.graph)
        metadata = k8s.meta.v1.ObjectMetaArgs(name=account, namespace=args.namespace, labels=args.labels)
        # Its token is mounted: discovery asks the Kubernetes API.
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
