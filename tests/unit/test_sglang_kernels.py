"""Which kernels SGLang's workers may name, by GPU, attention and number format."""

from dataclasses import replace

import pytest

from catalog.contracts import KvCacheDtype
from catalog.engines import engine
from catalog.flags.given import Given, Workers
from catalog.machines import Gpus, gpu_machine
from catalog.models import Card, card
from catalog.models.attention import Latent

SGLANG = engine("sglang")
LLAMA, OSS = card("llama-3.3-70b-instruct"), card("gpt-oss-120b")
LATENT = LLAMA.model_copy(update={"attention": Latent(kind="mla", heads=128, kv_lora_rank=512, rope_head_dim=64)})
L4, A100, H100, H200, B200, RTX = (
    gpu_machine(name).gpus
    for name in (
        "g2-standard-8",
        "a2-ultragpu-8g",
        "a3-highgpu-8g",
        "a3-ultragpu-8g",
        "a4-highgpu-8g",
        "g4-standard-48",
    )
)
GPUS = (L4, A100, H100, H200, B200, RTX)

WORKERS = Workers(
    card=LLAMA,
    tensor_parallel=(4,),
    disaggregated=True,
    max_model_len=32768,
    kv_cache_dtype=KvCacheDtype.AUTO,
    block_size=64,
    gpus=(H200,),
    reads_bucket=True,
)


def messages(workers: Workers, *words: str) -> list[str]:
    assert SGLANG.flags is not None
    return [error.message for error in SGLANG.argument_errors(Given(SGLANG.flags, words), workers)]


@pytest.mark.parametrize("gpus", GPUS, ids=lambda gpus: gpus.product)
@pytest.mark.parametrize("flag", ["--attention-backend", "--prefill-attention-backend", "--decode-attention-backend"])
@pytest.mark.parametrize(
    ("model", "backend", "says"),
    [
        (LLAMA, "ascend", "Ascend hardware, not on NVIDIA"),
        (LLAMA, "intel_amx", "Intel hardware"),
        (LLAMA, "aiter", "AMD hardware"),
        (LLAMA, "wave", "AMD hardware"),
        (LLAMA, "flashmla", "for multi-head latent attention"),
        (LLAMA, "cutedsl_mla", "for multi-head latent attention"),
        (LLAMA, "fa4", "pages of 128"),
        (LLAMA, "dsa", "not known to run"),
        (OSS, "flashinfer", "no attention sinks, which gpt-oss-120b needs"),
        (OSS, "torch_native", "no attention sinks"),
        (LATENT, "trtllm_mha", "not known to run"),
    ],
)
def test_what_no_nvidia_gpu_runs_is_refused_on_each(
    gpus: Gpus, flag: str, model: Card, backend: str, says: str
) -> None:
    (message,) = messages(replace(WORKERS, card=model, gpus=(gpus,)), flag, backend)
    assert says in message


@pytest.mark.parametrize(
    ("gpus", "backend", "taken"),
    [
        ((L4,), "trtllm_mha", False),
        ((A100,), "trtllm_mha", False),
        ((H100,), "trtllm_mha", True),
        ((B200,), "trtllm_mha", True),
        ((RTX,), "trtllm_mha", True),
        ((A100,), "fa3", True),
        ((L4,), "fa3", True),
        ((B200,), "fa3", False),
        ((RTX,), "fa3", False),
        ((A100, H100), "trtllm_mha", False),
        ((A100, H100), "fa3", True),
        ((H100, B200), "fa3", False),
        ((L4,), "flashinfer", True),
        ((RTX,), "triton", True),
    ],
)
def test_a_kernel_must_run_on_every_gpu_of_the_workers(gpus: tuple[Gpus, ...], backend: str, taken: bool) -> None:
    assert (not messages(replace(WORKERS, gpus=gpus), "--attention-backend", backend)) is taken


@pytest.mark.parametrize("gpus", GPUS, ids=lambda gpus: gpus.product)
def test_a_typo_is_answered_with_kernels_of_nvidia_gpus_only(gpus: Gpus) -> None:
    for flag, values in SGLANG.usable_values(replace(WORKERS, gpus=(gpus,))).items():
        assert values, flag
        assert not {"aiter", "wave", "ascend", "intel_amx", "intel_xpu"} & set(values)


def test_a_generation_without_a_list_takes_what_some_generation_takes() -> None:
    unknown = H200.model_copy(update={"compute_capability": "11.0"})
    assert messages(replace(WORKERS, gpus=(unknown,)), "--attention-backend", "trtllm_mha") == []
    assert messages(replace(WORKERS, gpus=(unknown,)), "--attention-backend", "ascend")


def test_trtllm_mha_takes_no_fp8_cache_on_generation_12() -> None:
    fp8 = replace(WORKERS, gpus=(RTX,), kv_cache_dtype=KvCacheDtype.FP8)
    (message,) = messages(fp8, "--attention-backend", "trtllm_mha")
    assert "takes no FP8 KV cache" in message
    assert messages(replace(fp8, gpus=(B200,)), "--attention-backend", "trtllm_mha") == []


@pytest.mark.parametrize(
    ("format_", "words", "says"),
    [
        ("bf16", ["--moe-runner-backend", "flashinfer_cutlass", "--ep-size", "2"], "must be 1 or tensorParallel"),
        ("bf16", ["--moe-runner-backend", "flashinfer_cutlass", "--ep-size", "4"], None),
        ("bf16", ["--moe-runner-backend", "flashinfer_cutlass"], None),
        ("bf16", ["--moe-runner-backend", "flashinfer_cutedsl"], "in nvfp4 only"),
        ("nvfp4", ["--moe-runner-backend", "flashinfer_cutedsl"], None),
        ("mxfp4", ["--moe-runner-backend", "flashinfer_cutlass"], "in bf16, fp8, nvfp4 only"),
        ("mxfp4", ["--moe-runner-backend", "flashinfer_mxfp4"], None),
        ("fp8", ["--moe-runner-backend", "cutlass", "--ep-size", "2"], "must be 1 with"),
        ("fp8", ["--moe-runner-backend", "cutlass"], None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_kernels_of_experts_by_format_and_size(format_: str, words: list[str], says: str | None) -> None:
    model = OSS.model_copy(update={"weights": OSS.weights.model_copy(update={"format": format_})})
    found = messages(replace(WORKERS, card=model), *words)
    assert len(found) == (1 if says else 0)
    assert not says or says in found[0]


def test_gpt_oss_cannot_be_deterministic_with_sglangs_own_choice_on_generation_10() -> None:
    on_b200 = replace(WORKERS, card=OSS, gpus=(B200,))
    (message,) = messages(on_b200, "--enable-deterministic-inference")
    assert "needs --attention-backend triton" in message
    assert messages(on_b200, "--enable-deterministic-inference", "--attention-backend", "triton") == []
    assert messages(replace(on_b200, gpus=(H200,)), "--enable-deterministic-inference") == []
