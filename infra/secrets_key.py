"""Grants GKE the use of the key that encrypts a cluster's Secrets."""

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
    """The path of the Cloud KMS key, in any project."""


class SecretsKeyGrant(pulumi.ComponentResource):
    """Role of GKE on the key. The cluster must depend on this grant: GKE creates no cluster whose key it cannot use."""

    def __init__(self, name: str, args: SecretsKeyGrantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:SecretsKeyGrant", name, None, opts)
        number = project_of(args.project, self, args.services).number
        kms.CryptoKeyIAMMember(
            f"{name}-gke-agent",
            crypto_key_id=args.key,
            role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member=number.apply(lambda known: f"serviceAccount:{names.gke_agent(known)}"),
            # The provider leaves a cluster encrypted when the setting is removed, and without its key the cluster is
            # lost. So the grant stays.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.register_outputs({})
