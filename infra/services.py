"""The Google Cloud APIs that the environment uses, switched on before anything needs them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects

APIS = (
    "billingbudgets",
    "certificatemanager",
    "cloudquotas",
    "cloudresourcemanager",
    "compute",
    "container",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "storage",
)


@dataclass(frozen=True, kw_only=True)
class ProjectServicesArgs:
    project: str


class ProjectServices(pulumi.ComponentResource):
    """Enables the APIs and leaves them on when the stack is destroyed: others in the project may use them."""

    def __init__(self, name: str, args: ProjectServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:ProjectServices", name, None, opts)
        enable(self, name, args.project, APIS)
        self.register_outputs({})


def enable(parent: pulumi.Resource, name: str, project: str, apis: Sequence[str]) -> None:
    """Switches the APIs on, by their short names, and leaves them on at the end."""
    for api in apis:
        projects.Service(
            f"{name}-{api}",
            project=project,
            service=f"{api}.googleapis.com",
            disable_on_destroy=False,
            opts=pulumi.ResourceOptions(parent=parent),
        )
