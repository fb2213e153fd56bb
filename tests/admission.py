"""Evaluates a ValidatingAdmissionPolicy like the API server, with Google's own CEL library."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from cel_expr_python import cel


def refusals(policy: Mapping[str, Any], pod: Mapping[str, Any]) -> list[str]:
    """Messages of the validations that an object fails. An expression with an error also counts, because the policy's
    failurePolicy is Fail."""
    spec = policy["spec"]
    assert spec["failurePolicy"] == "Fail"
    known: dict[str, Any] = {}
    for variable in spec["variables"]:
        known[variable["name"]] = _evaluated(variable["expression"], pod, known)
    return [v["message"] for v in spec["validations"] if _evaluated(v["expression"], pod, known) is not True]


def _evaluated(expression: str, pod: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    return _compiled(expression).eval(data={"object": pod, "variables": variables}).plain_value()


@cache
def _compiled(expression: str) -> Any:
    return _environment().compile(expression)


@cache
def _environment() -> Any:
    return cel.NewEnv(variables={"object": cel.Type.DYN, "variables": cel.Type.DYN})
