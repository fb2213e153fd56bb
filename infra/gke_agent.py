"""What GKE's own account in the project needs to make networks for node pools, beyond what it has from the start."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects

from infra.services import ProjectServices, project_of
from planning import names

NETWORK_ADMIN = "roles/compute.networkAdmin"


@dataclass(frozen=True, kw_only=True)
class GkeAgentRoleArgs:
    project: str
    services: ProjectServices


class GkeAgentRole(pulumi.ComponentResource):
    """A pool whose networks GKE is to make fails without it.

    Depend on the whole component. The account is there once the project has had a cluster.
    """

    def __init__(self, name: str, args: GkeAgentRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:GkeAgentRole", name, None, opts)
        number = project_of(args.project, self, args.services).number
        projects.IAMMember(
            f"{name}-networkAdmin",
            project=args.project,
            role=NETWORK_ADMIN,
            member=number.apply(lambda known: f"serviceAccount:{names.gke_agent(known)}"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
