"""The inputs of all resources for the rules on the stack, which the engine shows them to the rules on one resource.

The engine gives rules on the stack each resource's outputs. The first preview of a stack has none for the objects of
its cluster, because nothing is known of a cluster that does not exist: the rules would see graphs without names.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pulumi_policy import Policy, ReportViolation, ResourceValidationPolicy, StackValidationPolicy

from policies.judging import judging_by, judgment


def by_inputs(rules: Iterable[Policy]) -> Iterator[Policy]:
    """The rules for one process of the engine. A resource that no rule has judged by itself keeps its outputs."""
    inputs: dict[str, Any] = {}
    for rule in rules:
        match rule:
            case ResourceValidationPolicy():
                yield _noting(rule, inputs)
            case StackValidationPolicy():
                yield _with_inputs(rule, inputs)
            case _:
                yield rule


def _noting(rule: ResourceValidationPolicy, inputs: dict[str, Any]) -> Policy:
    judge = judgment(rule)

    def validate(args: Any, report: ReportViolation) -> None:
        inputs[args.urn] = args.props
        judge(args, report)

    return judging_by(rule, validate)


def _with_inputs(rule: StackValidationPolicy, inputs: dict[str, Any]) -> Policy:
    judge = judgment(rule)

    def validate(args: Any, report: ReportViolation) -> None:
        for resource in args.resources:
            resource.props = inputs.get(resource.urn, resource.props)
        judge(args, report)

    return judging_by(rule, validate)
