"""What GKE itself may do in the project, beyond what Google gives it."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import kms

from infra.services import ProjectServices, project_number
from spec import names


@dataclass(frozen=True, kw_only=True)
class GkeAgentArgs:
    project: str
    services: ProjectServices
    secrets_key: str
    """The Cloud KMS key that the cluster's Secrets are encrypted by."""


class GkeAgent(pulumi.ComponentResource):
    """The cluster depends on it: GKE makes none whose key it may not use."""

    def __init__(self, name: str, args: GkeAgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:GkeAgent", name, None, opts)
        number = project_number(args.project, self, after=[args.services])
        kms.CryptoKeyIAMMember(
            f"{name}-secrets-key",
            crypto_key_id=args.secrets_key,
            role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member=number.apply(lambda known: f"serviceAccount:{names.gke_agent(known)}"),
            # The provider leaves a cluster encrypted when the setting is taken out, and without its key that is lost.
            # So the right stays.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.register_outputs({})
