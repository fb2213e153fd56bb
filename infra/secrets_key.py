"""The right of GKE itself to use the key that a cluster's Secrets are encrypted by."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import kms

from infra.services import ProjectServices, project_of
from planning import names


@dataclass(frozen=True, kw_only=True)
class SecretsKeyGrantArgs:
    project: str
    services: ProjectServices
    key: str
    """The Cloud KMS key, by its path; it may be of another project."""


class SecretsKeyGrant(pulumi.ComponentResource):
    """The cluster depends on it: GKE makes none whose key it may not use."""

    def __init__(self, name: str, args: SecretsKeyGrantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:SecretsKeyGrant", name, None, opts)
        number = project_of(args.project, self, args.services).number
        kms.CryptoKeyIAMMember(
            f"{name}-gke-agent",
            crypto_key_id=args.key,
            role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member=number.apply(lambda known: f"serviceAccount:{names.gke_agent(known)}"),
            # The provider leaves a cluster encrypted when the setting is taken out, and without its key that is lost.
            # So the right stays.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.register_outputs({})
