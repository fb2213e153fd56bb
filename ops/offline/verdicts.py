"""Verdicts of the policy pack on a recording, computed in this process as by `pulumi --policy-pack policies`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy

from ops.offline import policy_config
from ops.offline.policy_config import RuleConfig
from ops.offline.recorded import UNKNOWN, Recording, Resource
from policies.judging import naming_its_file
from policies.rules import RULES


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One violation, or one rule that could not run because a value is unknown in the preview."""

    policy: str
    level: str
    urn: str
    """Empty for a violation of the stack as a whole."""
    message: str
    remedy: str
    """The rule's general remedy; the message may be more specific."""

    @property
    def mandatory(self) -> bool:
        return self.level == EnforcementLevel.MANDATORY.value


def judge(recording: Recording, config: Mapping[str, Any] | None = None) -> list[Verdict]:
    """Every violation, sorted; empty if all rules hold.

    `config` is the content of `policies/config.<stack>.json`. Raises ConfigInvalid if it does not fit the rules.
    """
    configs = policy_config.resolve(RULES, config or {})
    resources = _resources(recording)
    found = [
        verdict
        for rule in RULES
        if configs[rule.name].level is not EnforcementLevel.DISABLED
        for verdict in _violations(rule, resources, configs[rule.name])
    ]
    return sorted(found, key=lambda v: (v.urn, v.policy, v.message))


def _violations(rule: Policy, resources: list[PolicyResource], config: RuleConfig) -> list[Verdict]:
    found: list[Verdict] = []
    # A rule that remediates and still reports a violation counts as mandatory, as in the SDK.
    remediates = config.level is EnforcementLevel.REMEDIATE
    level = EnforcementLevel.MANDATORY if remediates else config.level

    def add(level: EnforcementLevel, urn: str, message: str) -> None:
        remedy = naming_its_file(rule.remediation_steps or "", resources[0].urn if resources else None)
        found.append(Verdict(policy=rule.name, level=level.value, urn=urn, message=message, remedy=remedy))

    settings = _as_sent(config.settings)
    try:
        if isinstance(rule, StackValidationPolicy):
            rule.validate(
                StackValidationArgs(resources, settings), lambda message, urn=None: add(level, urn or "", message)
            )
    except UnknownValueError as unknown:
        add(EnforcementLevel.ADVISORY, "", _cannot_run(unknown))
    if isinstance(rule, ResourceValidationPolicy):
        for r in resources:
            args = ResourceValidationArgs(r.resource_type, r.props, r.urn, r.name, r.opts, r.provider, settings)
            try:
                # The engine ignores a URN that a rule on one resource reports.
                rule.validate(args, lambda message, _=None, urn=r.urn: add(level, urn, message))
            except UnknownValueError as unknown:
                add(EnforcementLevel.ADVISORY, r.urn, _cannot_run(unknown))
    return found


def _cannot_run(unknown: UnknownValueError) -> str:
    return f"can't run during preview: {unknown.message}"


def _as_sent(value: Any) -> Any:
    """A value as it arrives over gRPC: numbers as floats, unknown values as the engine's sentinel."""
    if isinstance(value, dict):
        return {key: _as_sent(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_sent(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return UNKNOWN_STRING_VALUE if value == UNKNOWN else value


def _resources(recording: Recording) -> list[PolicyResource]:
    by_urn: dict[str, PolicyResource] = {}
    for resource in recording.resources:
        props = unknown_checking_proxy(_as_sent(resource.inputs))
        opts = _options(resource)
        by_urn[resource.urn] = PolicyResource(
            resource.type, props, resource.urn, resource.name, opts, None, None, [], {}
        )
    for resource in recording.resources:
        converted = by_urn[resource.urn]
        converted.parent = by_urn.get(resource.parent or "")
        converted.dependencies = [by_urn[urn] for urn in resource.depends_on if urn in by_urn]
        if provider := by_urn.get(resource.provider or ""):
            converted.provider = PolicyProviderResource(
                provider.resource_type, provider.props, provider.urn, provider.name
            )
    return list(by_urn.values())


def _options(resource: Resource) -> PolicyResourceOptions:
    timeouts = resource.options.get("customTimeouts", {})
    return PolicyResourceOptions(
        protect=bool(resource.options.get("protect")),
        ignore_changes=resource.options.get("ignoreChanges", []),
        delete_before_replace=resource.options.get("deleteBeforeReplace"),
        aliases=resource.options.get("aliases", []),
        custom_timeouts=PolicyCustomTimeouts(
            *(_seconds(timeouts.get(step)) for step in ("create", "update", "delete"))
        ),
        additional_secret_outputs=[],
        parent=resource.parent,
    )


def _seconds(duration: str | None) -> float:
    """A duration such as `1h30m` in seconds, as the engine sends timeouts to rules; 0 if none is set."""
    unit = {"h": 3600, "m": 60, "s": 1}
    return float(sum(int(count) * unit[letter] for count, letter in re.findall(r"(\d+)([hms])", duration or "")))
