"""The rule on Helm charts: a Release is the one that the program writes. What a chart brings, no other rule sees."""

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
from policies.inputs import at, known_texts, plain
from policies.setting import Schema, Setting
from workloads.platform import chart_values

MORE_CHARTS = Setting(
    name="allowed",
    type="array",
    default=[],
    description="further folders or registries that hold the chart of Dynamo, such as oci://registry/charts",
    stricter="less",
)

# Each of these only says how long Helm waits and what it keeps.
_HARMLESS = frozenset({"atomic", "cleanupOnFail", "compat", "maxHistory", "timeout"})
_JUDGED = frozenset({"chart", "createNamespace", "name", "namespace", "values", "version"})
# What the provider adds before the engine asks (unverified), and the provider's own mark of that.
_FILLED_IN = frozenset({"resourceNames", "__defaults"})


def _known_charts(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != kinds.RELEASE:
        return
    chart, version, name = (at(args.props, key) for key in ("chart", "version", "name"))
    places = (platform.CHARTS, *MORE_CHARTS.read(args.get_config()))
    expected = [platform.chart(version or "VERSION", place) for place in places]
    if chart not in expected:
        report(f"chart {chart} is not the one of Dynamo at version {version}; use {' or '.join(expected)}", None)
    if name != names.PLATFORM_RELEASE:
        report(f"name is {name or 'unset'}; the program has one Release, {names.PLATFORM_RELEASE}", None)
    if at(args.props, "createNamespace"):
        report("createNamespace makes a namespace that no rule judges; make a Namespace and set it to false", None)
    if not _is_written(plain(at(args.props, "values") or {})):
        report("values are other than the program writes them; leave them as workloads/platform.py has them", None)
    for key in sorted(set(args.props) - _HARMLESS - _JUDGED - _FILLED_IN):
        report(f"{key} is set, which can change what the chart installs; take it out", None)


def _is_written(values: Mapping[str, Any]) -> bool:
    """Whether the program writes these values for one of its pools, whose name is one of the texts, or for none."""
    pools = {None, *(text for _, text in known_texts(values))}
    return any(values == chart_values(pool) for pool in pools)


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="known-charts",
        description="The only Helm chart is that of Dynamo, from a known place and with the values of this program.",
        validate=_known_charts,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(MORE_CHARTS),
        remediation_steps="Take the Release out, or allow the mirror in policies/config.<stack>.json after a review.",
    )
]
