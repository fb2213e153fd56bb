"""The Google Cloud APIs for state, keys and identities; an environment's stack enables the APIs it needs itself."""

from dataclasses import dataclass

import pulumi

from infra.services import enable
from planning.waits import Waits

# serviceusage enables the others, cloudresourcemanager gives access to the project.
APIS = ("cloudbilling", "cloudkms", "cloudresourcemanager", "iam", "iamcredentials", "serviceusage", "storage", "sts")


@dataclass(frozen=True, kw_only=True)
class ServicesArgs:
    project: str


class Services(pulumi.ComponentResource):
    """The enabled APIs. They stay enabled when the stack is destroyed, because others in the project may use them."""

    def __init__(self, name: str, args: ServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:bootstrap:Services", name, None, opts)
        enable(self, name, args.project, APIS, Waits().service)
        self.register_outputs({})
