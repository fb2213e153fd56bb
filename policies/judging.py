"""How rules treat unknown values: each is a violation of its resource, and the rule goes on with the next resource.
All messages name the stack's own policy configuration.

When a rule meets an unknown value, the SDK reports an advisory message and skips the remaining resources. This module
reports a violation at the rule's own level instead: a resource that cannot be checked before creation is not created.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from pulumi_policy import (
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

Rule = ResourceValidationPolicy | StackValidationPolicy
Judgment = Callable[[Any, ReportViolation], Any]


@contextmanager
def reporting_unknowns(report: ReportViolation, urn: str | None) -> Generator[None]:
    """Turns an unknown value inside the block into a violation of the resource, and lets the rule continue."""
    try:
        yield
    except UnknownValueError as unknown:
        report(f"cannot be checked before creation: {unknown.message}; set a known value", urn)


_STACK = "<stack>"
"""In messages and remedies: the stack's name, as part of the name of a file."""


def naming_its_file(text: str, urn: str | None) -> str:
    """A message or remedy with the stack's own configuration, which a URN of the stack tells."""
    stack = (urn or "").removeprefix("urn:pulumi:").partition("::")[0]
    return text.replace(f"config.{_STACK}.json", f"config.{stack}.json") if stack else text


def _any_urn(args: Any) -> str | None:
    """The URN of the resource, or of any of the stack."""
    return args.urn if isinstance(args, ResourceValidationArgs) else next((each.urn for each in args.resources), None)


def fails_closed(rule: Policy) -> Policy:
    """The same rule; an unknown value that the rule does not handle itself becomes a violation."""
    if not isinstance(rule, Rule):
        return rule

    judge = judgment(rule)

    def validate(args: Any, report: ReportViolation) -> None:
        def named(message: str, urn: str | None = None) -> None:
            report(naming_its_file(message, _any_urn(args)), urn)

        with reporting_unknowns(named, None):
            judge(args, named)

    return judging_by(rule, validate)


def judgment(rule: Rule) -> Judgment:
    untyped: Any = rule  # the SDK does not type the result of a coroutine
    return untyped.validate


def judging_by(rule: Rule, validate: Judgment) -> Rule:
    """The same rule with another function."""
    return type(rule)(
        name=rule.name,
        description=rule.description,
        validate=validate,
        enforcement_level=rule.enforcement_level,
        severity=rule.severity,
        config_schema=rule.config_schema,
        remediation_steps=rule.remediation_steps,
    )
