"""A role for GKE's own account in the project, beyond what GKE has from the start."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects

from infra.services import ProjectServices, project_number
from spec import names


@dataclass(frozen=True, kw_only=True)
class GkeAgentRoleArgs:
    project: str
    services: ProjectServices
    role: str


class GkeAgentRole(pulumi.ComponentResource):
    """What GKE does on its own behalf, such as making networks for a node pool, fails without the role for it.

    Depend on the whole component. The account is there once the project has had a cluster.
    """

    def __init__(self, name: str, args: GkeAgentRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:GkeAgentRole", name, None, opts)
        number = project_number(args.project, self, after=[args.services])
        projects.IAMMember(
            f"{name}-{args.role.rpartition('.')[2]}",
            project=args.project,
            role=args.role,
            member=number.apply(lambda known: f"serviceAccount:{names.gke_agent(known)}"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
