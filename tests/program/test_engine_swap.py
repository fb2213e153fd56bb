"""`models.X.engine.name` swaps the engine of a shipped stack: what the whole program then makes is valid throughout."""

from functools import cache

import pytest

from ops.offline import policy_config, stackfile
from ops.offline.recorded import Recording
from ops.offline.recording import record
from ops.offline.verdicts import judge
from ops.report.objects import objects
from tests import strict
from tests.engine_goldens import ENGINES
from tests.stacks import ROOT

SCALED = tuple(f"models.chat.autoscaling.{role}={{min: 1, max: 2}}" for role in ("prefill", "decode"))
# A shipped stack, and what is set in it beside the engine.
CASES = {
    "prod": ("prod", ()),
    "prod, scaled": ("prod", SCALED),
    "prod, aggregated": ("prod", ("models.chat.layout=multi-node-aggregated",)),
    "staging": ("staging", ()),
    "staging over TCP": ("staging", ("models.chat.kvTransfer=tcp",)),
}


@cache
def swapped(engine: str, case: str) -> Recording:
    stack, overrides = CASES[case]
    return record(ROOT, stackfile.read(ROOT, stack, [f"models.chat.engine.name={engine}", *overrides]))


every_case = pytest.mark.parametrize("case", CASES)
every_engine = pytest.mark.parametrize("engine", ENGINES)


@every_engine
@every_case
def test_every_object_and_every_pod_of_the_graph_is_what_its_schema_takes(engine: str, case: str) -> None:
    found = objects(swapped(engine, case))
    assert [each["kind"] for each in found].count("DynamoGraphDeployment") == 1
    assert strict.errors(found) == []


@every_engine
@every_case
def test_policies_know_the_engine(engine: str, case: str) -> None:
    stack, _ = CASES[case]
    budget = {"gpu-budget": {"nodes": 9, "dollarsPerHour": 9000}}
    found = judge(swapped(engine, case), {**policy_config.read(ROOT, stack), **budget})
    assert [(verdict.policy, verdict.message) for verdict in found] == []
