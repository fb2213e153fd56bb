"""The policy pack's verdicts on a recording, in this process; Pulumi gives the same with `--policy-pack policies`."""

from dataclasses import dataclass

from pulumi_policy import (
    EnforcementLevel,
    PolicyCustomTimeouts,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from ops.recording import Recording, Resource
from policies.rules import RULES


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One violation."""

    policy: str
    level: str
    urn: str
    message: str

    @property
    def mandatory(self) -> bool:
        return self.level == EnforcementLevel.MANDATORY.value


def judge(recording: Recording) -> list[Verdict]:
    """Every violation, sorted; none means that all rules hold."""
    found = [
        verdict
        for resource in recording.resources
        for rule in RULES
        if isinstance(rule, ResourceValidationPolicy)
        for verdict in _violations(rule, resource)
    ]
    return sorted(found, key=lambda v: (v.urn, v.policy, v.message))


def _violations(rule: ResourceValidationPolicy, resource: Resource) -> list[Verdict]:
    found: list[Verdict] = []
    level = (rule.enforcement_level or EnforcementLevel.ADVISORY).value

    def report(message: str, urn: str | None = None) -> None:
        found.append(Verdict(policy=rule.name, level=level, urn=urn or resource.urn, message=message))

    rule.validate(_args(resource), report)
    return found


def _args(resource: Resource) -> ResourceValidationArgs:
    options = PolicyResourceOptions(
        protect=bool(resource.options.get("protect")),
        ignore_changes=resource.options.get("ignoreChanges", []),
        delete_before_replace=resource.options.get("deleteBeforeReplace"),
        aliases=[],
        custom_timeouts=PolicyCustomTimeouts(0, 0, 0),
        additional_secret_outputs=[],
        parent=resource.parent,
    )
    return ResourceValidationArgs(resource.type, resource.inputs, resource.urn, resource.name, options, None, {})
