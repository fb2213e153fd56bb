"""The configuration of the rules by an environment, and its error messages."""

import json
from pathlib import Path
from typing import Any

import pytest

from catalog import capacity
from ops.offline import policy_config
from ops.offline.verdicts import judge
from policies.rules import RULES
from reading.errors import ConfigInvalid
from tests.policies.mutations import added, changed, judged_by_others, prod, unprotected
from tests.stacks import ROOT, SHIPPED, recorded


def levels(config: dict[str, Any]) -> set[tuple[str, str]]:
    """Rules that find something in prod with a surge on a GPU pool, and at which level."""
    surging = changed(prod(), ":NodePool", "prefill-pool", "upgradeSettings.maxSurge", 1)
    return {(verdict.policy, verdict.level) for verdict in judge(surging, config)}


def test_the_level_comes_from_the_configuration() -> None:
    assert levels({}) == {("no-gpu-surge", "mandatory")}
    assert levels({"no-gpu-surge": "advisory"}) == {("no-gpu-surge", "advisory")}
    assert levels({"no-gpu-surge": {"enforcementLevel": "disabled"}}) == set()
    assert levels({"all": "advisory"}) == {("no-gpu-surge", "advisory")}
    assert levels({"all": "disabled", "no-gpu-surge": "remediate"}) == {("no-gpu-surge", "mandatory")}


def policies(recording: Any, config: dict[str, Any]) -> set[str]:
    return {verdict.policy for verdict in judged_by_others(recording, config)}


DAEMON = {
    "metadata": {"name": "tool"},
    "spec": {"template": {"spec": {"hostNetwork": True, "containers": [{"name": "main", "image": "tool:1.2.3"}]}}},
}

SETTINGS = [
    ("gpu-budget", prod(), {"nodes": 1}),
    ("gpu-budget", prod(), {"dollarsPerHour": 169.61}),
    ("capacity-mode", prod(), {"allowed": ["spot"]}),
    ("labelled", prod(), {"labels": ["team"]}),
    ("has-budget", recorded("staging"), {"required": True}),
]


@pytest.mark.parametrize(("rule", "recording", "settings"), SETTINGS)
def test_a_setting_forbids(rule: str, recording: Any, settings: dict[str, Any]) -> None:
    assert policies(recording, {}) == set()
    assert policies(recording, {rule: settings}) == {rule}


def test_a_setting_allows() -> None:
    bare = unprotected(prod(), ":NodePool", "prefill-pool")
    assert policies(bare, {}) == {"protected"}
    assert policies(bare, {"protected": {"compute": False}}) == set()
    on_host = added(prod(), "kubernetes:apps/v1:DaemonSet", DAEMON)
    assert policies(on_host, {}) == {"no-host-access"}
    assert policies(on_host, {"no-host-access": {"allowed": ["tool"]}}) == set()


def test_a_budget_is_advisory() -> None:
    (verdict,) = judge(recorded("staging"), {"has-budget": {"required": True}})
    assert (verdict.level, verdict.urn) == ("advisory", "")


def test_production_must_have_a_budget() -> None:
    config = policy_config.read(ROOT, "prod")
    assert "has-budget" not in policies(prod(), config)
    (verdict,) = [v for v in judge(recorded("staging"), config) if v.policy == "has-budget"]
    assert verdict.mandatory


def test_environments_differ() -> None:
    for stack, config in (("staging", "dev"), ("prod", "staging")):
        assert policies(recorded(stack), policy_config.read(ROOT, config)) >= {"gpu-budget"}


def test_all_errors_are_reported_at_once() -> None:
    with pytest.raises(ConfigInvalid) as raised:
        policy_config.resolve(
            RULES,
            {
                "pined": "advisory",
                "pinned": "mandatry",
                "proven": 3,
                "gpu-budget": {"nodes": "two", "dollars": 3, "dollarsPerHour": float("inf")},
                "capacity-mode": {"allowed": ["Spot", "reservation"]},
                "labelled": {"labels": [1]},
                "protected": {"compute": 1, "weights": "no"},
            },
        )
    assert [str(error) for error in raised.value.errors] == [
        'capacity-mode.allowed[0]: "Spot" is not one of reservation, spot, flexStart, onDemand; did you mean spot?',
        "gpu-budget.dollars: is not a setting of gpu-budget; did you mean dollarsPerHour?",
        "gpu-budget.dollarsPerHour: Infinity is not a number, such as 200",
        'gpu-budget.nodes: "two" is not a whole number, such as 2',
        'labelled.labels: [1] is not an array of strings, such as ["name"]',
        "pined: is not a rule of the pack; did you mean pinned?",
        'pinned.enforcementLevel: "mandatry" is not one of advisory, mandatory, remediate, disabled; '
        "did you mean mandatory?",
        "protected.compute: 1 is not true or false, such as true",
        'protected.weights: "no" is not true or false, such as true',
        "proven: 3 is neither a level nor an object of settings",
    ]


NUMBERS: list[tuple[str, str, str]] = [
    ("nodes", "-4", "gpu-budget.nodes: -4 is less than 0; use 0 or more"),
    ("nodes", "1.5", "gpu-budget.nodes: 1.5 is not a whole number, such as 2"),
    ("nodes", "true", "gpu-budget.nodes: true is not a whole number, such as 2"),
    ("dollarsPerHour", "1e999", "gpu-budget.dollarsPerHour: Infinity is not a number, such as 200"),
    ("dollarsPerHour", "-0.01", "gpu-budget.dollarsPerHour: -0.01 is less than 0; use 0 or more"),
    ("dollarsPerHour", "NaN", "policies/config.prod.json: is not JSON: NaN is not a number there; write one"),
]


@pytest.mark.parametrize(("setting", "number", "says"), NUMBERS)
def test_a_number_that_switches_a_limit_off_is_refused(setting: str, number: str, says: str, tmp_path: Path) -> None:
    """With NaN as its limit, no budget is ever exceeded."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/config.prod.json").write_text(f'{{"gpu-budget": {{"{setting}": {number}}}}}')
    with pytest.raises(ConfigInvalid) as raised:
        policy_config.resolve(RULES, policy_config.read(tmp_path, "prod"))
    assert [str(error) for error in raised.value.errors] == [says]


@pytest.mark.parametrize(
    ("setting", "number"), [("nodes", 0), ("nodes", 4.0), ("dollarsPerHour", 0.5), ("nodes", 10**400)]
)
def test_other_numbers_are_limits(setting: str, number: float) -> None:
    assert policy_config.resolve(RULES, {"gpu-budget": {setting: number}})["gpu-budget"].settings[setting] == number


def test_the_pack_tells_pulumi_what_a_value_may_be() -> None:
    """The CLI judges a configuration by this schema, not by `policy_config`."""
    schemas = {rule.name: rule.config_schema.properties for rule in RULES if rule.config_schema}
    assert schemas["gpu-budget"]["nodes"].items() >= {"type": "integer", "minimum": 0}.items()
    assert schemas["gpu-budget"]["dollarsPerHour"]["minimum"] == 0
    assert schemas["capacity-mode"]["allowed"]["items"] == {"type": "string", "enum": list(capacity.NAMES)}


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    assert policy_config.read(tmp_path, "prod") == {}
    assert "every rule has its default" in (policy_config.warning(tmp_path, "prod") or "")
    (tmp_path / "policies/config.prod.json").write_text("{")
    with pytest.raises(ConfigInvalid, match=r"policies/config\.prod\.json: is not JSON"):
        policy_config.read(tmp_path, "prod")
    (tmp_path / "policies/config.prod.json").write_text("[]")
    with pytest.raises(ConfigInvalid, match="must be an object"):
        policy_config.read(tmp_path, "prod")


def test_every_shipped_stack_has_a_configuration() -> None:
    for stack in SHIPPED:
        assert json.loads((ROOT / f"policies/config.{stack}.json").read_text())
        assert policy_config.warning(ROOT, stack) is None


def test_a_stack_without_a_configuration_has_that_of_prod() -> None:
    assert policy_config.read(ROOT, "eu") == policy_config.read(ROOT, "prod") != {}
    assert "no policy configuration, so policies/config.prod.json judges it" in (
        policy_config.warning(ROOT, "eu") or ""
    )


def test_every_rule_says_what_to_do() -> None:
    assert [rule.name for rule in RULES if not rule.remediation_steps] == []


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ('{"gpu-budget": {"nodes": 1}, "gpu-budget": {"nodes": 400}}', "gpu-budget given twice"),
        ('{"gpu-budget": {"nodes": 1, "nodes": 400}}', "nodes given twice"),
    ],
)
def test_a_rule_or_setting_that_is_given_twice_is_refused(text: str, twice: str, tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "config.prod.json").write_text(text)
    with pytest.raises(ConfigInvalid, match=twice):
        policy_config.read(tmp_path, "prod")
