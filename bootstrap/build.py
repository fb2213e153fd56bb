"""Settings → components → the values that the workflows need."""

from typing import Any

import pulumi
import pulumi_gcp as gcp

from bootstrap.github import GithubTrust, GithubTrustArgs
from bootstrap.identity import DEPLOY, PREVIEW, Access, BillingAccount, CiIdentity, CiIdentityArgs
from bootstrap.services import Services, ServicesArgs
from bootstrap.settings import Settings
from bootstrap.state import State, StateArgs
from infra.budget import billing_provider


def build(settings: Settings) -> dict[str, Any]:
    """Creates everything; returns the stack outputs by name."""
    google = gcp.Provider("google", project=settings.project, region=settings.region)
    services = Services("services", ServicesArgs(project=settings.project), pulumi.ResourceOptions(providers=[google]))
    after = pulumi.ResourceOptions(providers=[google], depends_on=[services])
    # Names of buckets are shared by all of Google Cloud; with the project's they are unlikely to be taken.
    state = State(
        "state",
        StateArgs(project=settings.project, region=settings.region, bucket=f"{settings.project}-pulumi-state"),
        after,
    )
    trust = GithubTrust("github", GithubTrustArgs(project=settings.project, repository=settings.repository), after)

    billing = None
    if settings.billing_account:
        billing = BillingAccount(id=settings.billing_account, provider=billing_provider(settings.project, {}))

    def identity(name: str, access: Access, *environments: str) -> CiIdentity:
        args = CiIdentityArgs(
            project=settings.project,
            account_id=f"dynamo-{name}",
            access=access,
            subjects={
                f"{form}-{environment}": subject
                for environment in environments
                for form, subject in settings.repository.subjects(f"environment:{environment}").items()
            },
            trust=trust,
            state=state,
            billing=billing,
        )
        return CiIdentity(name, args, after)

    # The jobs that only look run in the GitHub Environments `<name>-preview`, the others in `<name>`.
    preview = identity("preview", PREVIEW, *(f"{name}-preview" for name in settings.environments))
    deploy = {name: identity(f"deploy-{name}", DEPLOY, name) for name in settings.environments}
    return {
        "workloadIdentityProvider": trust.provider_name,
        "previewServiceAccount": preview.email,
        "deployServiceAccounts": {name: account.email for name, account in deploy.items()},
        "loginUrl": state.login_url,
        "secretsProvider": state.secrets_provider,
    }
