"""What GKE's own account in the project needs to make networks for node pools, beyond what it has from the start."""

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
    """A pool whose networks GKE is to make fails without it.

    Depend on the whole component. The account is there once the project has had a cluster.
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
