"""Which of vLLM's kernels a stack may choose, by GPU and model."""

import json
from typing import Any

import pytest

from catalog import flags
from catalog.contracts import KvCacheDtype
from catalog.engines import engine
from catalog.engines.vllm import kernels
from catalog.flags.given import Given, Workers
from catalog.machines import gpu_machine, gpu_machines
from catalog.models import Card, card
from catalog.models.attention import Latent

VLLM = engine("vllm")
L4, A100, H200, B200, GB300, RTX = (
    "g2-standard-8", "a2-ultragpu-1g", "a3-ultragpu-8g", "a4-highgpu-8g", "a4x-maxgpu-4g-metal", "g4-standard-48",
)  # fmt: skip
EVERYWHERE = (L4, A100, H200, B200, GB300, RTX)
DENSE, GPT_OSS = card("llama-3.3-70b-instruct"), card("gpt-oss-120b")
LATENT = GPT_OSS.model_copy(
    update={"name": "latent", "attention": Latent(kind="mla", heads=128, kv_lora_rank=512, rope_head_dim=64)}
)
FLAGS = ("--attention-backend", "--moe-backend", "--linear-backend")


def moe(weights: str) -> Card:
    return GPT_OSS.model_copy(update={"weights": GPT_OSS.weights.model_copy(update={"format": weights})})


def workers(*machines: str, chosen: Card = DENSE, **changes: Any) -> Workers:
    facts: dict[str, Any] = {
        "card": chosen,
        "tensor_parallel": (1, 1),
        "disaggregated": True,
        "max_model_len": 8192,
        "kv_cache_dtype": KvCacheDtype.AUTO,
        "block_size": 128,
        "gpus": tuple(gpu_machine(name).gpus for name in machines),
        "reads_bucket": True,
    }
    return Workers(**{**facts, **changes})


def said(of: Workers, *words: str) -> list[str]:
    assert VLLM.flags
    return [error.message for error in VLLM.argument_errors(Given(VLLM.flags, words), of)]


def choices(flag: str) -> tuple[str, ...]:
    assert VLLM.flags
    return tuple(VLLM.flags.flags[flag].registered or VLLM.flags.flags[flag].choices)


# Machine → the backends that run a model with a plain KV cache, with a latent one, and with attention sinks.
_HEADS = {"FLASH_ATTN", "FLASHINFER", "TRITON_ATTN", "FLEX_ATTENTION"}
ATTENTION = {
    L4: (_HEADS, {"TRITON_MLA"}, {"TRITON_ATTN"}),
    A100: (_HEADS, {"TRITON_MLA"}, {"TRITON_ATTN"}),
    H200: (_HEADS, {"FLASH_ATTN_MLA", "FLASHMLA", "TRITON_MLA"}, {"FLASH_ATTN", "TRITON_ATTN"}),
    B200: (
        _HEADS,
        {"FLASHMLA", "FLASHINFER_MLA", "CUTLASS_MLA", "TRITON_MLA"},
        {"FLASH_ATTN", "FLASHINFER", "TRITON_ATTN"},
    ),
    RTX: (_HEADS, {"TRITON_MLA"}, {"TRITON_ATTN"}),
}
ATTENTION[GB300] = ATTENTION[B200]


@pytest.mark.parametrize("machine", EVERYWHERE)
def test_an_attention_backend_runs_on_the_gpu_and_the_kind_of_attention_or_is_refused(machine: str) -> None:
    for chosen, taken in zip((DENSE, LATENT, GPT_OSS), ATTENTION[machine], strict=True):
        of = workers(machine, chosen=chosen)
        names = choices("--attention-backend")
        assert {name for name in names if not said(of, "--attention-backend", name)} == taken, chosen.name
        by_key = {name for name in names if not said(of, "--attention-config", json.dumps({"backend": name}))}
        assert by_key == taken, chosen.name


@pytest.mark.parametrize(
    ("machine", "taken"),
    [(H200, {"FLASH_ATTN", "FLASHINFER", "TRITON_ATTN"}), (B200, {"FLASH_ATTN", "FLASHINFER", "TRITON_ATTN"}),
     (L4, {"FLASHINFER", "TRITON_ATTN"}), (RTX, {"FLASHINFER", "TRITON_ATTN"})],
)  # fmt: skip
def test_an_fp8_kv_cache_leaves_fewer_backends(machine: str, taken: set[str]) -> None:
    of = workers(machine, kv_cache_dtype=KvCacheDtype.FP8)
    assert {name for name in choices("--attention-backend") if not said(of, "--attention-backend", name)} == taken


def test_a_backend_for_an_fp8_kv_cache_alone_is_refused_without_one() -> None:
    (message,) = said(workers(B200, chosen=LATENT), "--attention-backend", "TOKENSPEED_MLA")
    assert "supports only an FP8 KV cache, and engine.kvCacheDtype is auto" in message
    assert not said(workers(B200, chosen=LATENT, kv_cache_dtype=KvCacheDtype.FP8), "--attention-backend",
                    "TOKENSPEED_MLA")  # fmt: skip


OTHERS = {
    "--moe-backend": ("aiter", "aiter_triton_mxfp4_bf16", "flydsl", "rdna3"),
    "--linear-backend": ("aiter", "xpu", "xpu_woq"),
    "--attention-backend": (
        "ROCM_ATTN", "ROCM_AITER_MLA", "ROCM_AITER_FA", "ROCM_AITER_UNIFIED_ATTN", "XPU_MLA_SPARSE", "CPU_ATTN",
        "CPU_MLA", "AMX_MLA", "TORCH_SDPA", "NO_ATTENTION", "CUSTOM",
    ),
}  # fmt: skip


@pytest.mark.parametrize("machine", EVERYWHERE)
@pytest.mark.parametrize("chosen", [DENSE, GPT_OSS, LATENT, moe("fp8"), moe("nvfp4")], ids=lambda c: c.weights.format)
def test_kernels_of_other_makers_are_refused_and_never_proposed(machine: str, chosen: Card) -> None:
    of = workers(machine, chosen=chosen)
    for flag, names in OTHERS.items():
        assert set(names) <= set(choices(flag))
        assert not set(names) & set(VLLM.usable_values(of)[flag])
        for name in names:
            assert said(of, flag, name), (flag, name)


def test_kernels_of_other_makers_are_refused_on_a_generation_that_the_tables_lack() -> None:
    gpus = gpu_machine(B200).gpus.model_copy(update={"compute_capability": "11.0"})
    of = workers(gpus=(gpus,))
    for flag, names in OTHERS.items():
        assert all(said(of, flag, name) for name in names)
    assert not said(of, "--linear-backend", "flashinfer_trtllm")


# Kernel, format of the experts → where it runs.
MOE = [
    ("flashinfer_trtllm", "mxfp4", {B200, GB300}),
    ("flashinfer_cutlass", "mxfp4", {H200, B200, GB300, RTX}),
    ("triton", "mxfp4", {H200, B200, GB300}),
    ("marlin", "mxfp4", set(EVERYWHERE)),
    ("cutlass", "mxfp4", set[str]()),
    ("deep_gemm", "mxfp4", {B200, GB300, RTX}),
    ("triton", "fp8", {L4, H200, B200, GB300, RTX}),
    ("deep_gemm", "fp8", {H200, B200, GB300, RTX}),
    ("marlin", "bf16", set[str]()),
    ("triton", "bf16", set(EVERYWHERE)),
    ("flashinfer_b12x", "nvfp4", {RTX}),
    ("flashinfer_cutedsl", "nvfp4", {B200, GB300}),
    ("auto", "int4", set(EVERYWHERE)),
]


@pytest.mark.parametrize(("name", "weights", "machines"), MOE, ids=lambda v: v if isinstance(v, str) else "")
def test_a_kernel_of_experts_fits_their_format_and_the_gpu(name: str, weights: str, machines: set[str]) -> None:
    chosen = moe(weights)
    assert {m for m in EVERYWHERE if not said(workers(m, chosen=chosen), "--moe-backend", name)} == machines
    config = json.dumps({"moe_backend": name})
    assert {m for m in EVERYWHERE if not said(workers(m, chosen=chosen), "--kernel-config", config)} == machines


LINEAR = [("machete", {H200}), ("deep_gemm", {H200, B200, GB300, RTX}), ("flashinfer_trtllm", {B200, GB300}),
          ("marlin", set(EVERYWHERE)), ("torch", set(EVERYWHERE))]  # fmt: skip


@pytest.mark.parametrize(("name", "machines"), LINEAR)
def test_a_kernel_of_linear_layers_fits_the_gpu(name: str, machines: set[str]) -> None:
    assert {m for m in EVERYWHERE if not said(workers(m), "--linear-backend", name)} == machines


@pytest.mark.parametrize(("version", "machines"), [(2, set(EVERYWHERE)), (3, {H200, B200, GB300, RTX}),
                                                   (4, {H200, B200, GB300})])  # fmt: skip
def test_a_version_of_flash_attention_fits_the_gpu(version: int, machines: set[str]) -> None:
    config = json.dumps({"flash_attn_version": version})
    assert {m for m in EVERYWHERE if not said(workers(m), "--attention-config", config)} == machines


def test_a_kernel_must_run_on_the_gpus_of_both_roles() -> None:
    (message,) = said(workers(A100, H200, chosen=GPT_OSS), "--attention-backend", "FLASH_ATTN")
    assert "on an A100 80GB and an H200" in message or "on an A100 and an H200" in message
    assert message.endswith("use one of TRITON_ATTN, or remove it")


@pytest.mark.parametrize("chosen", [DENSE, GPT_OSS, LATENT, moe("bf16"), moe("int4"), moe("fp16")],
                         ids=lambda c: c.weights.format)  # fmt: skip
def test_some_kernel_is_left_on_every_gpu_and_is_a_choice_of_the_parser(chosen: Card) -> None:
    for machine in gpu_machines():
        left = kernels.usable(workers(machine.name, chosen=chosen))
        for flag in FLAGS:
            assert left[flag], (machine.name, flag)
            assert set(left[flag]) <= set(choices(flag))


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (("--attention-backend", "FLASH_ATN"), "FLASH_ATTN, FLASHINFER, TRITON_ATTN, FLEX_ATTENTION"),
        (("--attention-config", '{"backend": "FLASH_ATN"}'), "FLASH_ATTN, FLASHINFER, TRITON_ATTN, FLEX_ATTENTION"),
        (("--linear-backend", "tritn"), "auto, cutlass, marlin, torch, triton"),
        (("--kernel-config", '{"linear_backend": "tritn"}'), "auto, cutlass, marlin, torch, triton"),
        (("--kernel-config", '{"moe_backend": "tritn"}'), "triton; did you mean triton?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_typo_gets_only_choices_that_run_on_the_gpu(words: tuple[str, str], allowed: str) -> None:
    assert VLLM.flags
    (error,) = flags.errors(VLLM.flags, words, usable=VLLM.usable_values(workers(A100)))
    assert f"is not one of {allowed}" in error.message or error.message.endswith(allowed)
    assert not [name for names in OTHERS.values() for name in names if name in error.message]
