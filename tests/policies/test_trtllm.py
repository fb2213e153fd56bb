"""The rules on workers that run TensorRT-LLM: its own arguments pass, anything else is foreign."""

from functools import cache
from typing import Any

import pytest

from ops.offline import policy_config
from ops.offline.recorded import Recording
from ops.offline.recording import record
from ops.offline.verdicts import judge
from tests.policies.mutations import changed
from tests.stacks import ROOT, config

GRAPH = ("DynamoGraphDeployment", "chat-graph")
PREFILL, DECODE = (f"spec.components[{i}].podTemplate.spec.containers[0]" for i in (1, 2))
RULES = ("kv-transfer", "no-foreign-code", "nic-per-gpu", "proven", "monitored", "fenced")
TRANSCEIVER = "--trtllm.cache_transceiver_config"


@cache
def stack(*extra: str) -> Recording:
    engine = {"name": "trtllm", "extraArgs": list(extra)}
    return record(ROOT, config({"models": {"chat": {"model": "qwen3-32b", "layout": "multi-node", "engine": engine}}}))


def broken(recording: Recording) -> list[str]:
    found = judge(recording, policy_config.read(ROOT, "prod"))
    return [f"{verdict.policy}: {verdict.message}" for verdict in found if verdict.policy in RULES]


def container(which: str) -> dict[str, Any]:
    (graph,) = (resource.inputs for resource in stack().resources if resource.type.endswith(":DynamoGraphDeployment"))
    return graph["spec"]["components"][1 if which == PREFILL else 2]["podTemplate"]["spec"]["containers"][0]


def but(which: str, flag: str, *values: str) -> Recording:
    """The stack with other values of one flag; without the flag where there are none."""
    words = list(container(which)["args"])
    at = words.index(flag) if flag in words else len(words)
    end = next((i for i in range(at + 1, len(words)) if words[i].startswith("--")), len(words))
    return changed(stack(), *GRAPH, f"{which}.args", [*words[:at], *((flag, *values) if values else ()), *words[end:]])


@pytest.mark.parametrize(
    "extra", [(), ("--max-batch-size", "64", "--trtllm.stream_interval=4", "--trtllm.cuda_graph_config", "none")]
)
def test_what_the_program_writes_passes(extra: tuple[str, ...]) -> None:
    assert broken(stack(*extra)) == []


@pytest.mark.parametrize(
    ("which", "flag", "values", "says"),
    [
        (PREFILL, f"{TRANSCEIVER}.backend", ("MPI",), "both roles must name the same"),
        (DECODE, f"{TRANSCEIVER}.backend", (), "receives no KV cache"),
        (PREFILL, "--disaggregation-mode", ("decode",), "prefill of graph chat sends no KV cache"),
        (PREFILL, "--trtllm.disable_overlap_scheduler", ("false",), "follows from the role"),
        (DECODE, "--trtllm.return_perf_metrics", ("false",), "always true"),
        (DECODE, "--extra-engine-args", ("/models/evil.yaml",), "give each as --trtllm.KEY VALUE"),
        (DECODE, "--trtllm.post_processor_hook", ("evil.Hook",), "engine.allowCode"),
        (DECODE, "--trtllm.custom_tokenizer", ("evil.Tokenizer",), "is not set here"),
        (DECODE, "--trtllm.kv_connector_config.connector_module", ("evil",), "is not set here"),
        (DECODE, "--trtllm.unknown_key", ("1",), "is not a flag of dynamo.trtllm"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_value_is_foreign(which: str, flag: str, values: tuple[str, ...], says: str) -> None:
    found = broken(but(which, flag, *values))
    assert any(says in message for message in found), found


@pytest.mark.parametrize("name", ["TRTLLM_NIXL_INTERFACE", "TRTLLM_USE_MPI_KVCACHE", "LD_LIBRARY_PATH", "UCX_TLS"])
def test_another_variable_is_foreign(name: str) -> None:
    others = [each for each in container(DECODE)["env"] if each["name"] != name]
    found = broken(changed(stack(), *GRAPH, f"{DECODE}.env", [*others, {"name": name, "value": "rdma0"}]))
    assert any(name in message for message in found), found


def test_another_order_of_libraries_is_foreign() -> None:
    command = [word.replace("${LD_LIBRARY_PATH", "/evil:${LD_LIBRARY_PATH") for word in container(DECODE)["command"]]
    assert broken(changed(stack(), *GRAPH, f"{DECODE}.command", command))
