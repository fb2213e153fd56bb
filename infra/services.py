"""The Google Cloud APIs that the environment uses, enabled before anything needs them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pulumi
from pulumi_gcp import organizations, projects

from planning.waits import Wait

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
    wait: Wait


class ProjectServices(pulumi.ComponentResource):
    """Enables the APIs and leaves them on when the stack is destroyed: others in the project may use them."""

    enabled: dict[str, projects.Service]
    """By the API's short name. A lookup must depend on its own API only: if it depended on all, adding an API would
    make every lookup unknown in that preview."""

    def __init__(self, name: str, args: ProjectServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:ProjectServices", name, None, opts)
        self.enabled = enable(self, name, args.project, APIS, args.wait)
        self.register_outputs({})


def project_of(
    project: str, parent: pulumi.Resource, services: ProjectServices
) -> pulumi.Output[organizations.GetProjectResult]:
    """Google Cloud's data of a project, mainly its number, which names Google's own accounts and Workload Identity's
    principals."""
    answers = services.enabled["cloudresourcemanager"]
    return organizations.get_project_output(
        project_id=project, opts=pulumi.InvokeOutputOptions(parent=parent, depends_on=[answers])
    )


def enable(
    parent: pulumi.Resource, name: str, project: str, apis: Sequence[str], wait: Wait
) -> dict[str, projects.Service]:
    """Enables the APIs, given by short name, and leaves them on when the stack is destroyed."""
    return {
        api: projects.Service(
            f"{name}-{api}",
            project=project,
            service=f"{api}.googleapis.com",
            disable_on_destroy=False,
            opts=pulumi.ResourceOptions(parent=parent, custom_timeouts=pulumi.CustomTimeouts(**asdict(wait))),
        )
        for api in apis
    }
