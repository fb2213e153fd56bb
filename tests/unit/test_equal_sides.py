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
    own = "has vLLM's own choice for compute capability"
    assert f"prefill (H200) {own} 9, decode (B200) {own} 10; give both the same" in found.message
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


ON_ONE_MACHINE: dict[str, Any] = {"models.chat": {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}}
TRITON, FLASH = ["--attention-backend", "TRITON_ATTN"], ["--attention-backend", "FLASH_ATTN"]
EAGLE = ["--speculative-config", '{"method": "eagle3", "model": "/models/o/draft/abc", "num_speculative_tokens": 3}']
NGRAM = ["--speculative-config", '{"method": "ngram", "num_speculative_tokens": 3, "prompt_lookup_max": 4}']


@pytest.mark.parametrize(
    ("prefill", "decode", "says"),
    [
        (TRITON, FLASH, "prefill (H200) has TRITON_ATTN, decode (H200) has FLASH_ATTN"),
        (TRITON, None, "prefill (H200) has TRITON_ATTN, decode (H200) has vLLM's own choice for compute capability 9"),
        (None, EAGLE, "--speculative-config must have the same effect"),
        (["--disable-hybrid-kv-cache-manager"], None, "--disable-hybrid-kv-cache-manager must have the same effect"),
        (TRITON, TRITON, None),
        (EAGLE, EAGLE, None),
        (None, NGRAM, None),
    ],
)
def test_roles_with_arguments_of_their_own_must_agree_in_what_the_handshake_compares(
    prefill: list[str] | None, decode: list[str] | None, says: str | None
) -> None:
    roles = {"prefill": prefill, "decode": decode}
    changes = {f"models.chat.{role}": {"extraArgs": words} for role, words in roles.items() if words}
    found = [str(error) for error in errors(ON_ONE_MACHINE | changes) if error.path == "models.chat.engine.extraArgs"]
    assert [says in error for error in found] == [True] if says else found == []
