"""The program lets nothing come before what it needs, and protects what the plan says. The check sees mistakes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from ops.offline import stackfile
from ops.offline.recording import record
from ops.rehearsal.engine import creation_order, protection
from ops.rehearsal.engine.creation_order import ORDER, Rule
from planning.load import load
from planning.plan import plan
from tests.stacks import ROOT, SHIPPED

State = tuple[Mapping[str, Any], ...]

KEY = "projects/keys/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"
PUBLIC = "endpoint={exposure: gateway, domain: llm.example.com, allowedCidrs: [203.0.113.0/24]}"
SYNCED = "secrets.store=secretManager"
GATED = "models.chat.model=llama-3.3-70b-instruct"
"""Simulated engines read a gated model's tokenizer from the hub, with the token."""
STACKS: dict[str, tuple[str, tuple[str, ...]]] = {
    **{stack: (stack, ()) for stack in SHIPPED},
    "everything": ("prod", (PUBLIC, SYNCED, "network.rdma=multiNetwork", f"cluster.secretsKey={KEY}")),
    "gated": ("dev", (GATED,)),
    "gated, synced": ("dev", (GATED, SYNCED)),
    "own network": ("prod", ("network.existing={vpc: v, subnet: s}",)),
}
IDS = [f"{rule.first.named} → {rule.then.named}: {number}" for number, rule in enumerate(ORDER)]


@cache
def state(name: str) -> State:
    stack, overrides = STACKS[name]
    shipped = stackfile.read(ROOT, stack, overrides)
    config = replace(shipped, secrets=shipped.secrets | {"dynamo-gke:hfToken"})
    return tuple(
        {
            "urn": each.urn,
            "type": each.type,
            "inputs": each.inputs,
            "dependencies": each.depends_on,
            "parent": each.parent,
            "provider": f"{each.provider}::id" if each.provider else None,
            **each.options,
        }
        for each in record(ROOT, config, preview=False).resources
    )


def applying(rule: Rule) -> Iterator[State]:
    """The states that have both parts of a rule, of which the one needs the other."""
    for name in STACKS:
        resources = {each["urn"]: each for each in state(name)}
        inputs = (resources[urn]["inputs"] for urn in rule.then.find(resources))
        if rule.first.find(resources) and any(rule.needed(each, resources.keys()) for each in inputs):
            yield state(name)


@pytest.mark.parametrize("name", STACKS)
def test_each_resource_depends_on_what_must_exist_before_it(name: str) -> None:
    stack, overrides = STACKS[name]
    assert list(creation_order.violations(state(name))) == []
    assert list(protection.violations(state(name), plan(load(stackfile.read(ROOT, stack, overrides))))) == []


@pytest.mark.parametrize("rule", ORDER, ids=IDS)
def test_each_rule_applies_to_a_stack_and_misses_what_is_not_there(rule: Rule) -> None:
    """A rule that finds nothing, because a component was renamed, would hold for ever."""
    whole = next(applying(rule), None)
    assert whole, "no stack has both"
    urns = [each["urn"] for each in whole]
    without = [each for each in whole if each["urn"] not in rule.first.find(urns)]
    said = [*creation_order.violations(without)]
    assert any(each.endswith(f" needs {rule.first.named} before it, which the stack does not have") for each in said)


@pytest.mark.parametrize("rule", ORDER, ids=IDS)
def test_each_rule_misses_a_dependency(rule: Rule) -> None:
    whole = next(applying(rule))
    loose = [{**each, "dependencies": [], "parent": None, "provider": None, "dependsOn": []} for each in whole]
    said = [*creation_order.violations(loose)]
    why = f": {rule.then.named} may be created before {rule.first.named}"
    assert any(each.endswith(why) for each in said)


def test_a_graph_that_nothing_verifies_is_named() -> None:
    loose = [each for each in state("dev") if "-proof-job" not in each["urn"]]
    (said,) = creation_order.violations(loose)
    assert said == "DynamoGraphDeployment chat-graph needs the verification after it, which the stack does not have"
