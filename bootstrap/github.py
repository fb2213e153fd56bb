"""Trust in GitHub's tokens, of one repository only: Workload Identity Federation, so that there is no key to leak."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import iam

from bootstrap.settings import PREVIEW_SUFFIX, Repository

ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True, kw_only=True)
class GithubTrustArgs:
    project: str
    repository: Repository


# The branch that deploy.yaml deploys. GitHub's rules of an environment may say so too; they can be edited there.
DEPLOYED_REF = "refs/heads/main"


def condition(repository: Repository) -> str:
    """Tokens of the repository, by number, since a name can be taken by somebody else after a rename.

    Outside the environments of previews, to which only reading accounts are bound, tokens of the deployed branch only.
    """
    return (
        f"assertion.repository_owner_id == '{repository.owner_id}' && assertion.repository_id == '{repository.id}' && "
        f"(assertion.ref == '{DEPLOYED_REF}' || assertion.sub.endsWith('{PREVIEW_SUFFIX}'))"
    )


class GithubTrust(pulumi.ComponentResource):
    """The pool is protected: the id of a deleted one stays blocked for 30 days."""

    pool_name: pulumi.Output[str]
    """`projects/NUMBER/locations/global/workloadIdentityPools/github`."""
    provider_name: pulumi.Output[str]
    """What `google-github-actions/auth` takes as `workload_identity_provider`."""

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
