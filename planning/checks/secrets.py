"""Checks the token for gated models, its store, and the key that encrypts the cluster's Secrets."""

from collections.abc import Iterator

from planning.resolve import ResolvedStack
from reading.errors import Error
from settings.secrets import SecretStore


def errors(stack: ResolvedStack) -> Iterator[Error]:
    settings = stack.settings
    if settings.secrets.hf_token and settings.hf_token_given:
        yield Error(
            "secrets.hfToken",
            f"{settings.secrets.hf_token} is in Secret Manager, but hfToken is also set; remove one of the two, "
            "hfToken with `pulumi config rm dynamo-gke:hfToken`",
        )
    key, region = settings.cluster.secrets_key, settings.location.region
    if key and key.split("/")[3] != region:
        yield Error(
            "cluster.secretsKey",
            f"is in {key.split('/')[3]}, but GKE accepts only keys in the cluster's region; use one in {region}",
        )


def warnings(stack: ResolvedStack) -> Iterator[str]:
    if missing := missing_token(stack):
        yield missing
    secrets = stack.settings.secrets
    gated = any(deployment.card.gated for deployment in stack.deployments)
    if secrets.store is SecretStore.SECRET_MANAGER and not (gated or secrets.hf_token):
        yield "secrets.store: has no effect, because no model is gated"


def missing_token(stack: ResolvedStack) -> str | None:
    """Why `pulumi up` would fail if a gated model has no token; None if nothing is missing.

    Preview only warns, because pull requests and the shipped stacks are previewed without a secret.
    """
    gated = next((deployment for deployment in stack.deployments if deployment.card.gated), None)
    if gated is None or stack.settings.hf_token_given or stack.settings.secrets.hf_token:
        return None
    return (
        f"hfToken: missing, and {gated.path} serves {gated.card.repository}, which only approved accounts can "
        "fetch, so `pulumi up` stops; set it with `pulumi config set --secret dynamo-gke:hfToken`, or name a secret of "
        "Secret Manager in secrets.hfToken, with secrets.store secretManager"
    )
