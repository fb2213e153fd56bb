"""The rules on workers that run TensorRT-LLM: its own arguments pass, anything else is foreign."""

from functools import cache

import pytest

from ops.offline.recorded import Recording
from ops.offline.recording import record
from tests.policies.mutations import changed
from tests.policies.workers import DECODE, GRAPH, PREFILL, broken, but, container, with_variable
from tests.stacks import ROOT, config

TRANSCEIVER = "--trtllm.cache_transceiver_config"


@cache
def stack(*extra: str) -> Recording:
    engine = {"name": "trtllm", "extraArgs": list(extra)}
    return record(ROOT, config({"models": {"chat": {"model": "qwen3-32b", "layout": "multi-node", "engine": engine}}}))


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
    found = broken(but(stack(), which, flag, *values))
    assert any(says in message for message in found), found


@pytest.mark.parametrize("name", ["TRTLLM_NIXL_INTERFACE", "TRTLLM_USE_MPI_KVCACHE", "LD_LIBRARY_PATH", "UCX_TLS"])
def test_another_variable_is_foreign(name: str) -> None:
    found = broken(with_variable(stack(), DECODE, {"name": name, "value": "rdma0"}))
    assert any(name in message for message in found), found


def test_another_order_of_libraries_is_foreign() -> None:
    own = container(stack(), DECODE)["command"]
    command = [word.replace("${LD_LIBRARY_PATH", "/evil:${LD_LIBRARY_PATH") for word in own]
    assert broken(changed(stack(), *GRAPH, f"{DECODE}.command", command))
