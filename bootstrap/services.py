"""The Google Cloud APIs that state, key and identities need; an environment's stack switches on its own."""

from dataclasses import dataclass

import pulumi

from infra.services import enable

# serviceusage is what switches on the rest, cloudresourcemanager what answers about the project.
APIS = ("cloudbilling", "cloudkms", "cloudresourcemanager", "iam", "iamcredentials", "serviceusage", "storage", "sts")


@dataclass(frozen=True, kw_only=True)
class ServicesArgs:
    project: str


class Services(pulumi.ComponentResource):
    """Left on when the stack is destroyed: others in the project may use them."""

    def __init__(self, name: str, args: ServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:bootstrap:Services", name, None, opts)
        enable(self, name, args.project, APIS)
        self.register_outputs({})
