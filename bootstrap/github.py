"""Workload Identity Federation for GitHub tokens of one repository, so that no key exists that could leak."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import iam

from bootstrap.settings import PREVIEW_SUFFIX, Repository

ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True, kw_only=True)
class GithubTrustArgs:
    project: str
    repository: Repository


# The branch that deploy.yaml deploys. Rules of GitHub Environments can also enforce it, but can be edited on GitHub.
DEPLOYED_REF = "refs/heads/main"


def condition(repository: Repository) -> str:
    """The condition that admits tokens of the repository by number, because a renamed repository's name can be reused.

    Outside the preview environments, whose accounts are read-only, it admits only tokens of the deployed branch.
    """
    return (
        f"assertion.repository_owner_id == '{repository.owner_id}' && assertion.repository_id == '{repository.id}' && "
        f"(assertion.ref == '{DEPLOYED_REF}' || assertion.sub.endsWith('{PREVIEW_SUFFIX}'))"
    )


class GithubTrust(pulumi.ComponentResource):
    """Identity pool and provider for GitHub. Both are protected, because a deleted id stays blocked for 30 days."""

    pool_name: pulumi.Output[str]
    """`projects/NUMBER/locations/global/workloadIdentityPools/github`."""
    provider_name: pulumi.Output[str]
    """The value of `workload_identity_provider` for `google-github-actions/auth`."""

    def __init__(self, name: str, args: GithubTrustArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:bootstrap:GithubTrust", name, None, opts)
        pool = iam.WorkloadIdentityPool(
            f"{name}-pool",
            project=args.project,
            workload_identity_pool_id="github",
            display_name="GitHub Actions",
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        provider = iam.WorkloadIdentityPoolProvider(
            f"{name}-provider",
            project=args.project,
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id="github",
            attribute_mapping={
                "google.subject": "assertion.sub",
                "attribute.repository_id": "assertion.repository_id",
                "attribute.repository_owner_id": "assertion.repository_owner_id",
            },
            attribute_condition=condition(args.repository),
            oidc=iam.WorkloadIdentityPoolProviderOidcArgs(issuer_uri=ISSUER),
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        self.pool_name = pool.name
        self.provider_name = provider.name
        self.register_outputs({"poolName": self.pool_name, "providerName": self.provider_name})
