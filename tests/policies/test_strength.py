"""Every weaker rule is named, regardless of the cause."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ops.offline import policy_config, policy_strength
from ops.offline.policy_strength import in_force, weaker_than_base, weaker_than_default
from ops.offline.verdicts import Verdict
from policies.rules import RULES
from tests.stacks import ROOT

MANDATORY = {rule.name for rule in RULES if rule.enforcement_level and rule.enforcement_level.value == "mandatory"}


def reported(config: dict[str, Any]) -> list[str]:
    return list(map(str, weaker_than_default(RULES, in_force(RULES, config))))


def test_what_is_as_strict_as_the_defaults_is_not_named() -> None:
    assert reported({}) == []
    assert reported({"all": "mandatory", "pinned": "remediate", "gpu-budget": {"nodes": 0}}) == []
    assert reported({"labelled": {"labels": ["owner", "cost-center", "team"]}, "capacity-mode": {"allowed": []}}) == []


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"pinned": "advisory"}, "policy pinned (high) is weaker: advisory; by default mandatory"),
        ({"pinned": {"enforcementLevel": "disabled"}}, "policy pinned (high) is disabled; by default mandatory"),
        ({"has-budget": "disabled"}, "policy has-budget (low) is disabled; by default advisory"),
        ({"gpu-budget": {"nodes": 3}}, "policy gpu-budget (high) is weaker: nodes 3; by default 2"),
        ({"protected": {"weights": False}}, "policy protected (high) is weaker: weights false; by default true"),
        (
            {"labelled": {"labels": ["owner"]}},
            'policy labelled (low) is weaker: labels ["owner"]; by default ["owner", "cost-center"]',
        ),
        (
            {"no-host-access": {"allowed": ["tool"]}},
            'policy no-host-access (critical) is weaker: allowed ["tool"]; by default []',
        ),
    ],
)
def test_a_weaker_rule_is_named(config: dict[str, Any], sentence: str) -> None:
    assert reported(config) == [sentence]


def test_one_word_for_all_names_every_rule() -> None:
    weak = weaker_than_default(RULES, in_force(RULES, {"all": "disabled"}))
    assert {weakening.policy for weakening in weak} == {rule.name for rule in RULES}
    assert all(weakening.now == "disabled" for weakening in weak)
    assert {w.policy for w in weaker_than_default(RULES, in_force(RULES, {"all": "advisory"}))} == MANDATORY


def test_a_rule_that_leaves_the_pack_is_named() -> None:
    base = in_force(RULES, {})
    now = {name: rule for name, rule in base.items() if name != "no-plain-secret"}
    (weakening,) = weaker_than_base(RULES, now, base)
    assert str(weakening) == "policy no-plain-secret (critical) is removed from the pack; at the base mandatory"
    assert weakening.critical


def test_severity_is_that_of_the_base() -> None:
    base = in_force(RULES, {})
    lowered = {**base, "no-plain-secret": {"level": "disabled", "severity": "low", "settings": {}}}
    (weakening,) = weaker_than_base(RULES, lowered, base)
    assert weakening.critical


def test_nothing_is_weaker_than_a_rule_that_is_disabled() -> None:
    off = in_force(RULES, {"all": "disabled"})
    assert weaker_than_base(RULES, off, off) == []
    assert weaker_than_base(RULES, in_force(RULES, {}), off) == []


def test_production_weakens_no_critical_rule() -> None:
    now = policy_strength.in_force(RULES, policy_config.read(ROOT, "prod"))
    assert [w.policy for w in weaker_than_default(RULES, now)] == ["gpu-budget", "gpu-budget"]


def test_every_setting_says_what_is_stricter() -> None:
    """A setting outside policies/setting.py would have no direction, so weakening it would go unnoticed."""
    from policies.setting import Schema

    assert [rule.name for rule in RULES if rule.config_schema and not isinstance(rule.config_schema, Schema)] == []


def verdict(message: str, urn: str = "urn:x", level: str = "mandatory") -> Verdict:
    return Verdict(policy="fenced", level=level, urn=urn, message=message, remedy="")


@pytest.mark.parametrize(
    ("head", "passing"),
    [
        ((), ["a", "b"]),
        ((verdict("a"),), ["b"]),
        ((verdict("a"), verdict("b")), []),
        ((verdict("said otherwise"), verdict("and again")), []),
        ((verdict("a", urn="urn:y"), verdict("b", urn="urn:y")), ["a", "b"]),
        ((verdict("a", level="advisory"), verdict("b", level="advisory")), ["a", "b"]),
    ],
)
def test_what_only_the_base_refuses_is_let_through(head: tuple[Verdict, ...], passing: list[str]) -> None:
    base = [{"policy": "fenced", "severity": "critical", "urn": "urn:x", "message": message} for message in "ab"]
    assert [found.message for found in policy_strength.let_through(base, head)] == passing


def test_a_type_that_the_base_does_not_know_is_one_finding_without_its_inputs() -> None:
    def by_base(policy: str, urn: str, message: str) -> dict[str, str]:
        return {"policy": policy, "severity": "critical", "urn": urn, "message": message}

    base = [
        by_base("known-inputs", "urn:new-type", "sets spec.a"),
        by_base("known-inputs", "urn:new-type", "sets spec.b"),
        by_base("known-kinds", "urn:new-type", "has type t"),
        by_base("known-inputs", "urn:known-type", "sets spec.c"),
    ]
    assert [found.message for found in policy_strength.let_through(base, ())] == ["has type t", "sets spec.c"]
    names = {rule.name for rule in RULES}
    assert {"known-kinds", "known-inputs"} <= names
    # Known by both: the type is no finding, so each input is.
    also = Verdict(policy="known-kinds", level="mandatory", urn="urn:new-type", message="has type t", remedy="")
    assert [found.message for found in policy_strength.let_through(base, [also])] == [
        "sets spec.a", "sets spec.b", "sets spec.c",
    ]  # fmt: skip


@pytest.mark.parametrize("configured", [(), ("prod",), ("prod", "dev")])
def test_the_advice_for_a_stack_without_a_configuration_can_be_followed(
    tmp_path: Path, configured: tuple[str, ...]
) -> None:
    (tmp_path / "policies").mkdir()
    for stack in configured:
        (tmp_path / f"policies/config.{stack}.json").write_text("{}")
    for stack in ("dev", "prod"):
        if warned := policy_config.warning(tmp_path, stack):
            command = warned.split("`")[3]
            subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, timeout=10)
        assert policy_config.warning(tmp_path, stack) is None
        assert policy_config.read(tmp_path, stack) == {}
