"""Settings → components → stack outputs for the workflows."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_gcp as gcp

from bootstrap.github import GithubTrust, GithubTrustArgs
from bootstrap.identity import DEPLOY, PREVIEW, Access, BillingAccount, CiIdentity, CiIdentityArgs
from bootstrap.services import Services, ServicesArgs
from bootstrap.settings import PREVIEW_SUFFIX, Settings
from bootstrap.state import State, StateArgs
from infra.budget import billing_provider
from infra.scope import Scope


def build(settings: Settings) -> dict[str, Any]:
    """Creates everything; returns the stack outputs by name."""
    google = gcp.Provider("google", project=settings.project, region=settings.region)
    services = Services("services", ServicesArgs(project=settings.project), pulumi.ResourceOptions(providers=[google]))
    after = pulumi.ResourceOptions(providers=[google], depends_on=[services])
    # Bucket names are global in Google Cloud; the project's id makes a collision unlikely.
    state = State(
        "state",
        StateArgs(
            project=settings.project,
            region=settings.region,
            bucket=f"{settings.project}-pulumi-state",
            environments=settings.environments,
        ),
        after,
    )
    trust = GithubTrust("github", GithubTrustArgs(project=settings.project, repository=settings.repository), after)

    billing = None
    if settings.billing_account:
        billing = BillingAccount(id=settings.billing_account, provider=billing_provider(settings.project, {}, Scope()))

    def identity(
        name: str, account: str, access: Access, environment: str, keys: Mapping[str, pulumi.Output[str]]
    ) -> CiIdentity:
        subjects = settings.repository.subjects(f"environment:{environment}")
        args = CiIdentityArgs(
            project=settings.project,
            account_id=account,
            access=access,
            subjects={f"{form}-{environment}": subject for form, subject in subjects.items()},
            trust=trust,
            bucket=state.bucket_name,
            keys=keys,
            billing=billing,
        )
        return CiIdentity(name, args, after)

    # Read-only jobs run in the GitHub Environments `<name>-preview`, the others in `<name>`. A preview runs the code of
    # any branch, so its account has only the key of its environment. A deployment runs main; its account also has the
    # first key, for a stack that does not use its environment's key yet.
    preview = {
        name: identity(f"preview-{name}", f"dynamo-view-{name}", PREVIEW, f"{name}{PREVIEW_SUFFIX}", {"key": key})
        for name, key in state.environment_keys.items()
    }
    deploy = {
        name: identity(
            f"deploy-{name}", f"dynamo-deploy-{name}", DEPLOY, name, {"key": state.key_id, "environment-key": key}
        )
        for name, key in state.environment_keys.items()
    }
    return {
        "workloadIdentityProvider": trust.provider_name,
        "previewServiceAccounts": {name: account.email for name, account in preview.items()},
        "deployServiceAccounts": {name: account.email for name, account in deploy.items()},
        "loginUrl": state.login_url,
        "secretsProvider": state.secrets_provider,
        "secretsProviders": state.environment_secrets_providers,
    }
