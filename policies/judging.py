"""How a rule judges: each resource apart, and against the resource where a value that it needs is unknown.

The SDK turns a rule that meets an unknown value into an advice, however many resources it has not looked at. Here the
unknown value is a violation at the rule's own level instead: what nobody can judge before it is created is not created.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from pulumi_policy import Policy, ReportViolation, ResourceValidationPolicy, StackValidationPolicy
from pulumi_policy.proxy import UnknownValueError


@contextmanager
def apart(report: ReportViolation, urn: str | None) -> Generator[None]:
    """Judges one resource: an unknown value is reported of it, and the rule goes on with the next resource."""
    try:
        yield
    except UnknownValueError as unknown:
        report(f"cannot be judged before it is created: {unknown.message}; give a value that is known", urn)


def fails_closed(rule: Policy) -> Policy:
    """The same rule, an unknown value that it does not handle itself being a violation."""
    if not isinstance(rule, ResourceValidationPolicy | StackValidationPolicy):
        return rule

    untyped: Any = rule  # the SDK leaves the type of what a coroutine would return open
    judge: Callable[[Any, ReportViolation], Any] = untyped.validate

    def validate(args: Any, report: ReportViolation) -> None:
        with apart(report, None):
            judge(args, report)

    return type(rule)(
        name=rule.name,
        description=rule.description,
        validate=validate,
        enforcement_level=rule.enforcement_level,
        severity=rule.severity,
        config_schema=rule.config_schema,
        remediation_steps=rule.remediation_steps,
    )
