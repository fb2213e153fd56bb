"""Roles that GKE's own account needs to create networks for node pools, in addition to its default ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects

from infra.services import ProjectServices, project_of
from planning import names


@dataclass(frozen=True, kw_only=True)
class GkeAgentRoleArgs:
    project: str
    services: ProjectServices
    roles: Sequence[str]


class GkeAgentRole(pulumi.ComponentResource):
    """Grants the roles to GKE's account. Without them, a pool whose networks GKE creates fails.

    Depend on the whole component. The account exists once the project has had a cluster.
    """

    def __init__(self, name: str, args: GkeAgentRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:GkeAgentRole", name, None, opts)
        number = project_of(args.project, self, args.services).number
        for role in args.roles:
            projects.IAMMember(
                f"{name}-{role.rpartition('.')[2]}",
                project=args.project,
                role=role,
                member=number.apply(lambda known: f"serviceAccount:{names.gke_agent(known)}"),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
