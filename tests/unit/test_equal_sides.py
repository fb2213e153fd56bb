"""Roles on GPUs of two generations: what each would choose by itself and the KV transfer wants equal."""

from typing import Any

import pytest

from planning.load import load
from tests.stacks import config, errors

A4_FOR_DECODE: dict[str, Any] = {
    "location": {"region": "us-central1", "zone": "us-central1-b"},
    "capacity": {"mode": "spot"},
    "models.chat": {
        "model": "llama-3.3-70b-instruct",
        "layout": "multi-node",
        "decode": {"machine": "a4-highgpu-8g"},
    },
}


@pytest.mark.parametrize(
    ("model", "engine", "flag"),
    [
        ("llama-3.3-70b-instruct", {}, "--attention-backend FLASH_ATTN"),
        ("llama-3.3-70b-instruct", {"kvCacheDtype": "fp8"}, "--attention-backend TRITON_ATTN"),
        ("gpt-oss-120b", {}, "--attention-backend TRITON_ATTN"),
    ],
)
def test_two_generations_must_be_given_one_attention_backend(model: str, engine: dict[str, str], flag: str) -> None:
    changes = A4_FOR_DECODE | {"models.chat.model": model, "models.chat.engine": engine}
    (found,) = errors(changes)
    assert found.path == "models.chat.engine.extraArgs"
    assert "prefill on H200 and decode on B200: vLLM chooses attention-backend by the generation" in found.message
    assert f"add {flag}" in found.message
    load(config(changes | {"models.chat.engine": {**engine, "extraArgs": flag.split()}}))
    load(config(changes | {"models.chat.engine": {**engine, "extraArgs": [
        "--attention-config", f'{{"backend": "{flag.split()[1]}"}}']}}))  # fmt: skip


@pytest.mark.parametrize(
    "chat",
    [
        {"decode": {"machine": "a3-ultragpu-8g"}},
        {"layout": "aggregated", "decode": None},
        {"prefill": {"machine": "a4-highgpu-8g"}},
    ],
)
def test_one_generation_needs_nothing(chat: dict[str, Any]) -> None:
    blocks = A4_FOR_DECODE["models.chat"] | chat
    assert errors(A4_FOR_DECODE | {"models.chat": {key: each for key, each in blocks.items() if each}}) == ()
