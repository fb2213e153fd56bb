"""`models.X.engine.name` swaps the engine of a shipped stack: what the whole program then makes is valid throughout."""

from functools import cache

import kubernetes_validate
import pytest

from manifests import manifest_schema
from ops.offline import policy_config, stackfile
from ops.offline.recorded import Recording
from ops.offline.recording import record
from ops.offline.verdicts import judge
from ops.report import objects as manifests
from tests.engine_goldens import ENGINES
from tests.stacks import ROOT

KUBERNETES = "1.35"
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
def test_every_object_is_what_its_schema_takes(engine: str, case: str) -> None:
    for manifest in manifests.objects(swapped(engine, case)):
        if manifest_schema.has_table(manifest["apiVersion"], manifest["kind"]):
            assert list(manifest_schema.errors(manifest)) == []
        elif "." not in manifest["apiVersion"].partition("/")[0] or ".k8s.io/" in manifest["apiVersion"]:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@every_engine
@every_case
def test_every_pod_of_the_graph_is_a_pod(engine: str, case: str) -> None:
    (graph,) = (o for o in manifests.objects(swapped(engine, case)) if o["kind"] == "DynamoGraphDeployment")
    for component in graph["spec"]["components"]:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": component["podTemplate"]["spec"]}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


@every_engine
@every_case
def test_policies_know_the_engine(engine: str, case: str) -> None:
    stack, _ = CASES[case]
    budget = {"gpu-budget": {"nodes": 9, "dollarsPerHour": 9000}}
    found = judge(swapped(engine, case), {**policy_config.read(ROOT, stack), **budget})
    assert [(verdict.policy, verdict.message) for verdict in found] == []
