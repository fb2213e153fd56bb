"""The Google Cloud APIs that the environment uses, switched on before anything needs them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import organizations, projects

APIS = (
    "billingbudgets",
    "certificatemanager",
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

    def __init__(self, name: str, args: ProjectServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:ProjectServices", name, None, opts)
        enable(self, name, args.project, APIS)
        self.register_outputs({})


def project_number(project: str, parent: pulumi.Resource, after: Sequence[pulumi.Resource] = ()) -> pulumi.Output[str]:
    """The number of a project, by which Google names its own accounts and Workload Identity's principals.

    `after` is what must be there before the project is asked: with the API still off, the question would fail.
    """
    return organizations.get_project_output(
        project_id=project, opts=pulumi.InvokeOutputOptions(parent=parent, depends_on=list(after))
    ).number


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
