"""A role for GKE's own account in the project, beyond what GKE has from the start."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import organizations, projects

from spec import names


@dataclass(frozen=True, kw_only=True)
class GkeAgentRoleArgs:
    project: str
    role: str


class GkeAgentRole(pulumi.ComponentResource):
    """What GKE does on its own behalf, such as making networks for a node pool, fails without the role for it.

    Depend on the whole component. The account is there once the project has had a cluster.
    """

    def __init__(self, name: str, args: GkeAgentRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:GkeAgentRole", name, None, opts)
        project = organizations.get_project_output(
            project_id=args.project, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        projects.IAMMember(
            f"{name}-{args.role.rpartition('.')[2]}",
            project=args.project,
            role=args.role,
            member=project.number.apply(lambda number: f"serviceAccount:{names.gke_agent(number)}"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
