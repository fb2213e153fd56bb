"""Checks the verification of a deployment: whether its request fits, and whether a failure withholds the endpoint."""

from collections.abc import Iterator

from catalog import sizing
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Error, Fix
from settings.models import VerificationMode


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    """The error of a max length that is too short for the verification's request, which would always fail."""
    length, where = deployment.max_model_len, deployment.at("engine.maxModelLen")
    if length < sizing.VERIFICATION_TOKENS and deployment.settings.verification is VerificationMode.REQUIRED:
        yield Error(
            where,
            f"{length} is less than the {sizing.VERIFICATION_TOKENS} tokens of a verification's prompt and answer",
            (
                Fix(f"use {sizing.VERIFICATION_TOKENS} or more", {where: sizing.VERIFICATION_TOKENS}),
                Fix(
                    f"set {deployment.at('verification')} to reported, and expect it to report a failure",
                    {deployment.at("verification"): VerificationMode.REPORTED.value},
                ),
            ),
        )


def deployment_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    if not deployment.simulated and deployment.settings.verification is VerificationMode.REPORTED:
        yield (
            f"{deployment.at('verification')}: reported, so the endpoint is published even if disaggregation does not "
            "happen"
        )
