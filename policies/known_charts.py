"""The rule on Helm charts: the only Release is the program's own. No other rule sees a chart's objects."""

from collections.abc import Mapping
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from planning import names, platform
from policies import kinds
from policies.filled_in import filled_in
from policies.inputs import at, known_texts, plain
from policies.setting import Schema, exceptions
from workloads.platform import chart_values

MORE_CHARTS = exceptions("further folders or registries that hold the Dynamo chart, such as oci://registry/charts")

# These inputs only affect how long Helm waits and what it keeps.
_HARMLESS = frozenset({"atomic", "cleanupOnFail", "compat", "maxHistory", "timeout"})
_JUDGED = frozenset({"chart", "createNamespace", "name", "namespace", "values", "version"})


def _known_charts(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != kinds.RELEASE:
        return
    chart, version, name = (at(args.props, key) for key in ("chart", "version", "name"))
    places = (platform.CHARTS, *MORE_CHARTS.read(args.get_config()))
    expected = [platform.chart(version or "VERSION", place) for place in places]
    if chart not in expected:
        report(f"chart {chart} is not the Dynamo chart at version {version}; use {' or '.join(expected)}", None)
    if name != names.PLATFORM_RELEASE:
        report(f"name is {name or 'unset'}; the only allowed Release is {names.PLATFORM_RELEASE}", None)
    if at(args.props, "createNamespace"):
        report("createNamespace creates a namespace that no rule checks; set it to false and declare a Namespace", None)
    if not _is_written(plain(at(args.props, "values") or {})):
        report("values differ from those of the program; keep them as in workloads/platform.py", None)
    for key in sorted(set(args.props) - _HARMLESS - _JUDGED - filled_in(kinds.RELEASE, args.props)):
        report(f"{key} is set, which can change what the chart installs; remove it", None)


def _is_written(values: Mapping[str, Any]) -> bool:
    """Whether these are the program's own values, for any pool name that occurs in them or for no pool."""
    pools = {None, *(text for _, text in known_texts(values))}
    return any(values == chart_values(platform.OperatorInstall(), pool) for pool in pools)


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="known-charts",
        description="The only Helm chart is the Dynamo chart, from a known place and with the values of this program.",
        validate=_known_charts,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(MORE_CHARTS),
        remediation_steps="Remove the Release, or allow the mirror in policies/config.<stack>.json after a review.",
    )
]
