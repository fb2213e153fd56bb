"""The policy pack gives the same verdicts in `pulumi preview --policy-pack` as in `./dynamo-gke preview`.

The engine starts a pack in Python with `pulumi-language-python`, which Pulumi's archive has beside the CLI. Without it
on PATH, one of these tests' own starts the pack; the engine, its calls and the pack are the real ones.
"""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ops.offline import policy_config, stackfile
from ops.offline.recording import record
from ops.offline.verdicts import judge
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from policies.rules import RULES
from reading.errors import ConfigInvalid
from tests.rehearsal.judge import policy_host
from tests.rehearsal.judge.cases import TOKEN
from tests.rehearsal.judge.process import started
from tests.stacks import ROOT, SHIPPED

SECONDS = 600
Violation = tuple[str, str, str, str]
"""URN, rule, level and message."""
STRICT: dict[str, Any] = {
    "labelled": {"labels": ["owner", "nobody-sets-this"]},
    "capacity-mode": {"allowed": []},
    "gpu-budget": {"nodes": 0, "dollarsPerHour": 1},
    "has-budget": {"required": True, "enforcementLevel": "mandatory"},
    "no-host-access": {"allowed": []},
    "internal-service": "advisory",
}
"""Settings that every stack violates, of rules on one resource and of rules on the stack."""


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_engine_shows_the_verdicts_of_the_preview(stack: str, programs: Programs, tmp_path: Path) -> None:
    """With its own configuration, and with one that it violates."""
    own = policy_config.read(ROOT, stack)
    configs = [own, own | STRICT]
    shown = verdicts("preview", stack, configs, programs, tmp_path)
    assert shown == [ours(stack, each) for each in configs]
    assert shown[1]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_pack_lets_a_stack_be_created_and_updated(stack: str, programs: Programs, tmp_path: Path) -> None:
    """With the inputs and outputs that the providers fill in. Only the rehearsal's chart is from another place."""
    charts = str(World(tmp_path).charts)
    own = policy_config.read(ROOT, stack) | {"known-charts": {"allowed": [charts]}}
    strict = own | STRICT
    created, previewed, again = verdicts("up", stack, [own, strict, own], programs, tmp_path)
    assert (created, again) == ([], [])
    assert previewed == ours(stack, strict, f"versions.charts={charts}")


def test_the_engine_refuses_the_values_that_the_preview_refuses(programs: Programs, tmp_path: Path) -> None:
    """By the schemas of the pack, before a rule judges anything."""
    wrong = {"gpu-budget": {"nodes": -4, "dollarsPerHour": -1}, "capacity-mode": {"allowed": ["Spot"]}}
    with pytest.raises(ConfigInvalid):
        policy_config.resolve(RULES, wrong)
    process = run("preview", "dev", [wrong], programs, tmp_path)
    process.communicate(timeout=SECONDS)
    said = (tmp_path / "logs/policy_verdicts.log").read_text(encoding="utf-8")
    assert process.returncode != 0
    for error in (
        "gpu-budget: nodes: Must be greater than or equal to 0",
        "gpu-budget: dollarsPerHour: Must be greater than or equal to 0",
        "capacity-mode: allowed.0: allowed.0 must be one of the following",
    ):
        assert error in said


def ours(stack: str, config: dict[str, Any], *overrides: str) -> list[Violation]:
    """The violations that `./dynamo-gke preview` shows."""
    read = stackfile.read(ROOT, stack, ["preflight=false", *overrides])
    recording = record(ROOT, replace(read, secrets=read.secrets | {TOKEN}))
    return sorted((each.urn, each.policy, each.level, each.message) for each in judge(recording, config))


def run(
    command: str, stack: str, configs: list[dict[str, Any]], programs: Programs, folder: Path
) -> "subprocess.Popen[str]":
    words = (command, stack, json.dumps(programs.to_wire()), json.dumps(configs), shutil.which(policy_host.NAME) or "")
    return started("policy_verdicts", *words, world=World(folder), programs=programs)


def verdicts(
    command: str, stack: str, configs: list[dict[str, Any]], programs: Programs, folder: Path
) -> list[list[Violation]]:
    """What the engine shows in each run of a command, as our preview has it."""
    process = run(command, stack, configs, programs, folder)
    printed, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, (folder / "logs/policy_verdicts.log").read_text()[-3000:]
    return [sorted(map(_as_ours, shown)) for shown in json.loads(printed.splitlines()[-1])]


def _as_ours(shown: list[str]) -> Violation:
    """A violation as the engine shows it, below the rule's description and, of the whole stack, at the stack's URN."""
    urn, policy, level, message = shown
    return "" if "::pulumi:pulumi:Stack::" in urn else urn, policy, level, message.partition("\n")[2].rstrip("\n")
