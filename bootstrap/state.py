"""The bucket for the stacks' state, and the keys that encrypt the secrets in it."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import kms, storage

# An old version of a state file is deleted after both limits: a bad update is found within weeks, not months.
OLD_VERSION_DAYS = 90
OLD_VERSIONS_KEPT = 20

# 90 days. Earlier key versions remain and still decrypt.
ROTATION_SECONDS = 90 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class StateArgs:
    project: str
    region: str
    bucket: str
    environments: tuple[str, ...]


class State(pulumi.ComponentResource):
    """State bucket and keys, all protected: without them no stack knows its resources or its secrets.

    Each environment has a key. The first key, `secrets`, encrypts the bootstrap stack's own state and the state of
    stacks older than the environments' keys.

    Google Cloud never deletes key rings and keys, nor frees their names, so a bootstrap stack that is created again
    must import them.
    """

    bucket_name: pulumi.Output[str]
    key_id: pulumi.Output[str]
    """`projects/P/locations/L/keyRings/R/cryptoKeys/K`."""
    environment_keys: dict[str, pulumi.Output[str]]
    login_url: str
    secrets_provider: str
    environment_secrets_providers: dict[str, str]

    def __init__(self, name: str, args: StateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:bootstrap:State", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, protect=True)
        bucket = storage.Bucket(
            f"{name}-bucket",
            name=args.bucket,
            project=args.project,
            location=args.region.upper(),
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=storage.BucketVersioningArgs(enabled=True),
            lifecycle_rules=[
                storage.BucketLifecycleRuleArgs(
                    action=storage.BucketLifecycleRuleActionArgs(type="Delete"),
                    condition=storage.BucketLifecycleRuleConditionArgs(
                        days_since_noncurrent_time=OLD_VERSION_DAYS, num_newer_versions=OLD_VERSIONS_KEPT
                    ),
                )
            ],
            force_destroy=False,
            opts=kept,
        )
        ring = kms.KeyRing(f"{name}-key-ring", name="pulumi", project=args.project, location=args.region, opts=kept)

        def key(resource: str, key_name: str) -> kms.CryptoKey:
            return kms.CryptoKey(
                resource,
                name=key_name,
                key_ring=ring.id,
                purpose="ENCRYPT_DECRYPT",
                rotation_period=f"{ROTATION_SECONDS}s",
                opts=kept,
            )

        self.bucket_name = bucket.name
        self.key_id = key(f"{name}-key", "secrets").id
        self.environment_keys = {
            environment: key(f"{name}-key-{environment}", f"secrets-{environment}").id
            for environment in args.environments
        }
        # Built from plain values, so that the preview already shows them.
        self.login_url = f"gs://{args.bucket}"
        self.secrets_provider = (
            f"gcpkms://projects/{args.project}/locations/{args.region}/keyRings/pulumi/cryptoKeys/secrets"
        )
        self.environment_secrets_providers = {
            environment: f"{self.secrets_provider}-{environment}" for environment in args.environments
        }
        self.register_outputs({"loginUrl": self.login_url, "secretsProvider": self.secrets_provider})
