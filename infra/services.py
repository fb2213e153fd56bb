"""The Google Cloud APIs that the environment uses, switched on before anything needs them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import organizations, projects

APIS = (
    "billingbudgets",
    "certificatemanager",
    "cloudbilling",
    "cloudkms",
    "cloudquotas",
    "cloudresourcemanager",
    "compute",
    "container",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "secretmanager",
    "storage",
)


@dataclass(frozen=True, kw_only=True)
class ProjectServicesArgs:
    project: str


class ProjectServices(pulumi.ComponentResource):
    """Enables the APIs and leaves them on when the stack is destroyed: others in the project may use them."""

    enabled: dict[str, projects.Service]
    """By the API's short name. A question to Google Cloud waits for the one that answers it: with all of them, a new
    API would make every answer unknown in the preview that adds it."""

    def __init__(self, name: str, args: ProjectServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:ProjectServices", name, None, opts)
        self.enabled = enable(self, name, args.project, APIS)
        self.register_outputs({})


def project_of(
    project: str, parent: pulumi.Resource, services: ProjectServices
) -> pulumi.Output[organizations.GetProjectResult]:
    """What Google Cloud knows of a project: above all its number, by which it names its own accounts and Workload
    Identity's principals."""
    answers = services.enabled["cloudresourcemanager"]
    return organizations.get_project_output(
        project_id=project, opts=pulumi.InvokeOutputOptions(parent=parent, depends_on=[answers])
    )


def enable(parent: pulumi.Resource, name: str, project: str, apis: Sequence[str]) -> dict[str, projects.Service]:
    """Switches the APIs on, by their short names, and leaves them on at the end."""
    return {
        api: projects.Service(
            f"{name}-{api}",
            project=project,
            service=f"{api}.googleapis.com",
            disable_on_destroy=False,
            opts=pulumi.ResourceOptions(parent=parent, custom_timeouts=pulumi.CustomTimeouts(create="5m")),
        )
        for api in apis
    }
