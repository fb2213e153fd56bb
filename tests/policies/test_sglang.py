"""The rules on workers that run SGLang: its own arguments pass, anything else is foreign."""

from functools import cache
from typing import Any

import pytest

from ops.offline.recorded import Recording
from ops.offline.recording import record
from tests.policies.mutations import changed
from tests.policies.workers import DECODE, GRAPH, PREFILL, broken, but, container, with_variable
from tests.stacks import ROOT, config


@cache
def stack(*extra: str) -> Recording:
    model = {
        "model": "gpt-oss-120b",
        "layout": "multi-node",
        "prefill": {"tensorParallel": 8},
        "decode": {"tensorParallel": 8},
        "engine": {"name": "sglang", "extraArgs": list(extra)},
    }
    return record(ROOT, config({"models": {"chat": model}}))


@pytest.mark.parametrize(
    "extra",
    [
        (),
        ("--chunked-prefill-size", "4096", "--max-running-requests", "64"),
        ("--enable-dp-attention", "--dp-size", "2", "--ep-size", "8"),
    ],
    ids=" ".join,
)
def test_what_the_program_writes_passes(extra: tuple[str, ...]) -> None:
    assert broken(stack(*extra)) == []


@pytest.mark.parametrize(
    ("which", "flag", "values", "says"),
    [
        (PREFILL, "--disaggregation-transfer-backend", ("mooncake",), "it is nixl"),
        (PREFILL, "--disaggregation-bootstrap-port", ("8998",), ""),
        (DECODE, "--page-size", ("128",), ""),
        (PREFILL, "--host", ("127.0.0.1",), "stays green"),
        (PREFILL, "--kv-events-config", ('{"publisher":"zmq","endpoint":"tcp://attacker:5557"}',), "router"),
        (PREFILL, "--disaggregation-mode", ("decode",), "prefill of graph chat sends no KV cache"),
        (DECODE, "--disaggregation-mode", (), "decode of graph chat receives no KV cache"),
        (DECODE, "--custom-weight-loader", ("evil.load",), "runs code"),
        (DECODE, "--sidecar", ("evil",), "`endpoint` says"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_value_is_foreign(which: str, flag: str, values: tuple[str, ...], says: str) -> None:
    found = broken(but(stack(), which, flag, *values))
    assert any(says in message for message in found), found


def test_code_of_others_is_foreign() -> None:
    words = container(stack(), DECODE)["args"]
    found = broken(changed(stack(), *GRAPH, f"{DECODE}.args", [*words, "--trust-remote-code"]))
    assert any("engine.allowCode" in message for message in found), found


@pytest.mark.parametrize(
    "variable",
    [
        {"name": "SGLANG_HOST_IP", "value": "203.0.113.1"},
        {"name": "SGLANG_DISAGGREGATION_NIXL_BACKEND", "value": "POSIX"},
        {"name": "UCX_PROTO_INFO", "value": "used"},
    ],
    ids=lambda variable: variable["name"],
)
def test_another_variable_is_foreign(variable: dict[str, Any]) -> None:
    found = broken(with_variable(stack(), PREFILL, variable))
    assert any(variable["name"] in message for message in found), found


def test_another_image_is_foreign() -> None:
    found = broken(changed(stack(), *GRAPH, f"{PREFILL}.image", "docker.io/lmsysorg/sglang:1.6.1"))
    assert any("starts SGLang from an image other than" in message for message in found), found
