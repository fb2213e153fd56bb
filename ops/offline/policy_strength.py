"""How strict the policies of a stack are, and which rules are weaker than by default or at the base.

The comparison finds rules that are weakened by a level or a setting, or removed from the pack.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_policy import EnforcementLevel, Policy, Severity

from ops.offline import policy_config
from ops.offline.verdicts import Verdict
from policies.setting import Schema, Setting
from reading.errors import shown

_RANKS: Mapping[str, int] = {
    EnforcementLevel.DISABLED.value: 0,
    EnforcementLevel.ADVISORY.value: 1,
    EnforcementLevel.MANDATORY.value: 2,
    EnforcementLevel.REMEDIATE.value: 2,
}

InForce = Mapping[str, Mapping[str, Any]]
"""Rule → its `level`, `severity` and `settings`; JSON, as `preview --json` prints it under `rules`."""


@dataclass(frozen=True, kw_only=True)
class Weakening:
    """One rule that is weaker than by default or at the base."""

    policy: str
    severity: str
    now: str
    """`disabled`, `removed from the pack`, or `weaker` with what differs."""
    instead_of: str

    @property
    def critical(self) -> bool:
        return self.severity == Severity.CRITICAL.value

    def __str__(self) -> str:
        return f"policy {self.policy} ({self.severity}) is {self.now}; {self.instead_of}"

    def to_wire(self) -> dict[str, str]:
        return {"policy": self.policy, "severity": self.severity, "now": self.now, "insteadOf": self.instead_of}


@dataclass(frozen=True, kw_only=True)
class LetThrough:
    """A violation in the head that the base's rules find and the head's do not."""

    policy: str
    severity: str
    urn: str
    """Empty for a violation of the stack as a whole."""
    message: str

    @property
    def critical(self) -> bool:
        return self.severity == Severity.CRITICAL.value

    def __str__(self) -> str:
        of = self.urn.rpartition("::")[2] or "the stack"
        return f"policy {self.policy} ({self.severity}) of the base rejects {of}, which now passes: {self.message}"

    def to_wire(self) -> dict[str, str]:
        return {"policy": self.policy, "severity": self.severity, "urn": self.urn, "message": self.message}


def let_through(base: Sequence[Mapping[str, str]], head: Sequence[Verdict]) -> Iterator[LetThrough]:
    """What only the base's rules find. Verdicts are counted, not compared word by word: a sentence may be rewritten.

    A type that the base does not know is one finding: it then knows none of the inputs either.
    """
    found = list(_only_in_base(base, head))
    unknown_types = {each.urn for each in found if each.policy == "known-kinds"}
    return (each for each in found if each.policy != "known-inputs" or each.urn not in unknown_types)


def _only_in_base(base: Sequence[Mapping[str, str]], head: Sequence[Verdict]) -> Iterator[LetThrough]:
    found = Counter((verdict.policy, verdict.urn) for verdict in head if verdict.mandatory)
    same = {(verdict.policy, verdict.urn, verdict.message) for verdict in head if verdict.mandatory}
    wanted = Counter((v["policy"], v["urn"]) for v in base)
    for v in base:
        of = (v["policy"], v["urn"])
        if wanted[of] > found[of] and (*of, v["message"]) not in same:
            yield LetThrough(policy=v["policy"], severity=v["severity"], urn=v["urn"], message=v["message"])


def in_force(rules: Sequence[Policy], config: Mapping[str, Any]) -> InForce:
    """The rules in force for a stack with this configuration. Raises ConfigInvalid."""
    resolved = policy_config.resolve(rules, config)
    return {
        rule.name: {
            "level": resolved[rule.name].level.value,
            "severity": rule.severity.value if rule.severity else "",
            "settings": resolved[rule.name].settings,
        }
        for rule in rules
    }


def weaker_than_default(rules: Sequence[Policy], now: InForce) -> list[Weakening]:
    return list(_weaker(rules, now, in_force(rules, {}), "by default"))


def weaker_than_base(rules: Sequence[Policy], now: InForce, base: InForce) -> list[Weakening]:
    return list(_weaker(rules, now, base, "at the base"))


def _weaker(rules: Sequence[Policy], now: InForce, than: InForce, where: str) -> Iterator[Weakening]:
    settings = {rule.name: _settings(rule) for rule in rules}
    for name, before in than.items():
        if not _RANKS.get(before["level"], 2):
            continue  # nothing is weaker than a rule that is disabled
        for state, instead_of in _differences(before, now.get(name), settings.get(name, ())):
            yield Weakening(policy=name, severity=before["severity"], now=state, instead_of=f"{where} {instead_of}")


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any] | None, settings: Sequence[Setting]
) -> Iterator[tuple[str, str]]:
    """In what a rule is weaker: its state now, and what was in force instead."""
    if after is None:
        yield "removed from the pack", before["level"]
    elif not _RANKS[after["level"]]:
        yield "disabled", before["level"]
    elif _RANKS[after["level"]] < _RANKS.get(before["level"], 2):
        yield f"weaker: {after['level']}", before["level"]
    else:
        for setting in settings:
            given = after["settings"].get(setting.name, setting.default)
            was = before["settings"].get(setting.name, setting.default)
            if setting.weaker(given, was):
                yield f"weaker: {setting.name} {shown(given)}", shown(was)


def _settings(rule: Policy) -> Sequence[Setting]:
    return rule.config_schema.settings if isinstance(rule.config_schema, Schema) else ()
