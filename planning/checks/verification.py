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
    yield from _not_verified(deployment)


def _not_verified(deployment: Deployment) -> Iterator[str]:
    """Warnings of what the verification cannot see of the engine, although its endpoint is published."""
    if not deployment.kv_transfer:
        return
    where, engine = deployment.at("engine.name"), deployment.engine
    if engine.transfer_evidence is None:
        yield (
            f"{where}: {engine.title} has no counters of KV cache transfers, so verification sees the answers, but not "
            "whether decode got the KV cache from prefill; the endpoint is published nevertheless"
        )
    if engine.transport_evidence is None:
        yield (
            f"{where}: {engine.title} does not log the transport of KV cache, so verification cannot tell whether it "
            f"is {deployment.kv_transfer}"
        )
