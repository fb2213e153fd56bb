"""The nodes' own service account, with only the roles that a node needs."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects, serviceaccount

ROLES = ("container.defaultNodeServiceAccount", "artifactregistry.reader")


@dataclass(frozen=True, kw_only=True)
class NodeIdentityArgs:
    project: str
    account_id: str


class NodeIdentity(pulumi.ComponentResource):
    """Service account of the nodes. The project's default account has no roles in some projects and editor in others.

    Depend on the whole component: a node that starts before its roles are bound never becomes Ready.
    """

    email: pulumi.Output[str]

    def __init__(self, name: str, args: NodeIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:NodeIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = serviceaccount.Account(
            f"{name}-account",
            account_id=args.account_id,
            display_name="GKE nodes of dynamo-gke",
            project=args.project,
            opts=child,
        )
        for role in ROLES:
            projects.IAMMember(
                f"{name}-{role.partition('.')[2]}",
                project=args.project,
                role=f"roles/{role}",
                member=account.member,
                opts=child,
            )
        self.email = account.email
        self.register_outputs({"email": self.email})
