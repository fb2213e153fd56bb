"""What must be equal on prefill and decode: pinned on GPUs of two generations, rejected where arguments differ."""

from itertools import combinations
from typing import Any

import pytest

from catalog.engines import engine
from catalog.machines import GpuMachine, gpu_machine, gpu_machine_names
from tests.stacks import errors, planned

H200, B200 = "a3-ultragpu-8g", "a4-highgpu-8g"
MODEL = "llama-3.3-70b-instruct"


def two(prefill: str, decode: str, model: str = MODEL, **runs: object) -> dict[str, Any]:
    """A stack with a role on each machine; over TCP, which every machine has, in a zone taken for one of both."""
    return {
        "location": {"region": "us-central1", "zone": "us-central1-b", "allowUnlisted": True},
        "capacity": {"mode": "spot"},
        "models.chat": {
            "model": model,
            "layout": "multi-node",
            "kvTransfer": "tcp",
            "prefill": {"machine": prefill},
            "decode": {"machine": decode},
            "engine": runs,
        },
    }


def arguments(changes: dict[str, Any]) -> list[str]:
    return [" ".join(worker.extra_args) for worker in planned(changes).graphs[0].workers]


PINNED = [
    ("vllm", MODEL, {}, "--attention-backend FLASH_ATTN"),
    ("vllm", MODEL, {"kvCacheDtype": "fp8"}, "--attention-backend TRITON_ATTN"),
    ("vllm", "gpt-oss-120b", {}, "--attention-backend TRITON_ATTN"),
    ("sglang", MODEL, {}, "--attention-backend flashinfer"),
    ("sglang", "gpt-oss-120b", {}, "--attention-backend triton"),
    ("trtllm", MODEL, {}, ""),  # TensorRT-LLM's default is the same on every GPU
]


@pytest.mark.parametrize(("prefill", "decode"), [(H200, B200), (B200, H200)])
@pytest.mark.parametrize(("runs", "model", "more", "pinned"), PINNED)
def test_two_generations_get_one_attention_backend(
    prefill: str, decode: str, runs: str, model: str, more: dict[str, str], pinned: str
) -> None:
    changes = two(prefill, decode, model, name=runs, **more)
    assert [pinned in words for words in arguments(changes)] == [True, True]
    said = [warning for warning in planned(changes).warnings if f"both get {pinned}" in warning]
    assert len(said) == bool(pinned)
    assert not pinned or "H200" in said[0]


# Modes that need no settings but a reservation.
MODES = ("reservation", "spot", "onDemand", "flexStart")
ONE_OF_EACH_GPU = tuple(
    {
        machine.gpus.product: machine
        for machine in map(gpu_machine, gpu_machine_names())
        if set(MODES) & set(machine.sold)
    }.values()
)


def one_engine_on(machines: tuple[GpuMachine, GpuMachine], runs: str) -> dict[str, Any] | None:
    """A stack with one engine of each role on two machines; None where no RDMA mode serves both."""
    changes = two(machines[0].name, machines[1].name, "qwen3-0.6b", name=runs)
    for role, machine in zip(("prefill", "decode"), machines, strict=True):
        size = machine.gpus.count if machine.whole_node_workers else 1
        mode = next(mode for mode in MODES if mode in machine.sold)
        capacity = {"mode": mode} | ({"reservation": role} if mode == "reservation" else {})
        changes["models.chat"][role] |= {"tensorParallel": size, "replicas": 1, "capacity": capacity}
    offered = {mode for machine in machines if machine.rdma for mode in machine.rdma.modes}
    tried = [changes | {"network": {"rdma": mode}} for mode in sorted(offered)] or [changes]
    found = [(each, {error.path for error in errors(each)}) for each in tried]
    assert all(paths <= {"network.rdma"} for _, paths in found)
    return next((each for each, paths in found if not paths), None)


@pytest.mark.parametrize("runs", ["vllm", "sglang"])
def test_every_pair_of_generations_is_pinned_and_no_other(runs: str) -> None:
    seen: set[bool] = set()
    for pair in combinations(ONE_OF_EACH_GPU, 2):
        if not (changes := one_engine_on(pair, runs)):
            continue
        first, second = arguments(changes)
        generations = {each.gpus.compute_capability.partition(".")[0] for each in pair}
        seen.add(len(generations) > 1)
        assert first == second
        assert ("--attention-backend" in first) is (len(generations) > 1), [machine.name for machine in pair]
    assert seen == {True, False}


@pytest.mark.parametrize("runs", ["vllm", "sglang"])
def test_one_generation_needs_nothing(runs: str) -> None:
    assert arguments(two(H200, H200, name=runs)) == ["", ""]
    assert arguments(two(B200, B200, name=runs)) == ["", ""]
    aggregated = {"models.chat": {"model": MODEL, "layout": "aggregated", "engine": {"name": runs}}}
    assert arguments(aggregated) == [""]


@pytest.mark.parametrize(
    ("runs", "flag", "value"),
    [("vllm", "--attention-backend", "TRITON_ATTN"), ("sglang", "--attention-backend", "triton"),
     ("vllm", "--attention-config", '{"backend": "TRITON_ATTN"}')],
)  # fmt: skip
def test_the_stack_s_own_choice_for_both_is_kept(runs: str, flag: str, value: str) -> None:
    changes = two(H200, B200, name=runs, extraArgs=[flag, value])
    assert arguments(changes) == [f"{flag} {value}"] * 2
    assert not any("both get" in warning for warning in planned(changes).warnings)


def with_arguments(
    runs: str, prefill: list[str] | None = None, decode: list[str] | None = None, **more: object
) -> dict[str, Any]:
    return {
        "models.chat": {
            "model": MODEL, "layout": "multi-node", "engine": {"name": runs},
            "prefill": {"extraArgs": prefill or []}, "decode": {"extraArgs": decode or []}, **more,
        }
    }  # fmt: skip


_EAGLE = '{"method": "eagle", "model": "/models/%s", "num_speculative_tokens": 3}'
_VLLM, _SGLANG = (f"{title}'s own choice for compute capability 9" for title in ("vLLM", "SGLang"))
_RUNTIME = "--trtllm.cache_transceiver_config.transceiver_runtime"
_NO_DRAFT = "no draft model that NIXL compares"
# What a stack gives; the role with the error, the flag, and what each side has.
DIFFER = {
    "one backend given": (with_arguments("vllm", decode=["--attention-backend", "TRITON_ATTN"]),
                          "decode", "--attention-backend", _VLLM, "TRITON_ATTN"),
    "given to prefill alone": (with_arguments("vllm", ["--attention-backend", "TRITON_ATTN"]),
                               "prefill", "--attention-backend", "TRITON_ATTN", _VLLM),
    "two backends": (
        with_arguments("vllm", ["--attention-backend", "FLASH_ATTN"], ["--attention-backend", "TRITON_ATTN"]),
        "decode", "--attention-backend", "FLASH_ATTN", "TRITON_ATTN"),
    "two backends, one in JSON": (
        with_arguments("vllm", ["-ac", '{"backend": "FLASH_ATTN"}'], ["--attention-backend", "TRITON_ATTN"]),
        "decode", "--attention-backend", "FLASH_ATTN", "TRITON_ATTN"),
    "one shared, one of a role": (
        with_arguments("vllm", decode=["--attention-backend", "FLASH_ATTN"],
                       engine={"extraArgs": ["--attention-backend", "TRITON_ATTN"]}),
        "decode", "--attention-backend", "TRITON_ATTN", "FLASH_ATTN"),
    "a draft for one role": (with_arguments("vllm", decode=["--speculative-config", _EAGLE % "a"]),
                             "decode", "--speculative-config", _NO_DRAFT, "eagle with /models/a"),
    "two drafts": (with_arguments("vllm", ["-sc", _EAGLE % "a"], ["--speculative-config", _EAGLE % "b"]),
                   "decode", "--speculative-config", "eagle with /models/a", "eagle with /models/b"),
    "another manager of the KV cache": (with_arguments("vllm", decode=["--disable-hybrid-kv-cache-manager"]),
                                        "decode", "--disable-hybrid-kv-cache-manager", "off", "on"),
    "SGLang's backend": (with_arguments("sglang", decode=["--attention-backend", "triton"]),
                         "decode", "--attention-backend", _SGLANG, "triton"),
    "SGLang's backend of one phase": (with_arguments("sglang", ["--prefill-attention-backend", "fa3"]),
                                      "prefill", "--attention-backend", f"fa3 and {_SGLANG}", _SGLANG),
    "TensorRT-LLM's backend": (with_arguments("trtllm", decode=["--trtllm.attn_backend", "FLASHINFER"]),
                               "decode", "--trtllm.attn_backend", "TRTLLM", "FLASHINFER"),
    "TensorRT-LLM's transfer": (
        with_arguments("trtllm", [_RUNTIME, "PYTHON"], [_RUNTIME, "CPP"]), "decode", _RUNTIME, "PYTHON", "CPP"),
    "TensorRT-LLM's transfer on one side": (
        with_arguments("trtllm", [_RUNTIME, "PYTHON"]), "prefill", _RUNTIME, "PYTHON", "TensorRT-LLM's own choice"),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFER)
def test_what_must_be_equal_may_not_differ(name: str) -> None:
    changes, role, flag, prefill, decode = DIFFER[name]
    (found,) = errors(changes)
    assert found.path == f"models.chat.{role}.extraArgs"
    assert found.message.startswith(f"{flag} must be equal on both sides of a KV transfer")
    assert f"prefill (H200) has {prefill}, decode (H200) has {decode}; give it in" in found.message


def test_a_backend_for_both_must_run_on_both() -> None:
    (found,) = errors(two(H200, B200, name="sglang", extraArgs=["--attention-backend", "fa3"]))
    assert (found.path, "on H200 and B200; use one of flashinfer, triton" in found.message) == (
        "models.chat.engine.extraArgs[1]",
        True,
    ), found


SAME = {
    "a draft from the text": with_arguments(
        "vllm", decode=["--speculative-config", '{"method": "ngram", "num_speculative_tokens": 3}']),
    "the same backend twice": with_arguments(
        "vllm", ["--attention-backend", "TRITON_ATTN"], ["--attention-config", '{"backend": "TRITON_ATTN"}']),
    "TensorRT-LLM's default by name": with_arguments("trtllm", ["--trtllm.attn_backend", "TRTLLM"]),
    "its own choice by name": with_arguments("trtllm", [_RUNTIME, "auto"], [_RUNTIME, "none"]),
    "the same draft twice": with_arguments("vllm", ["-sc", _EAGLE % "a"], ["--speculative-config", _EAGLE % "a"]),
    "batches": with_arguments("vllm", ["--max-num-seqs", "8"], ["--max-num-seqs", "64"]),
    "no transfer": {"models.chat": {"model": MODEL, "layout": "aggregated",
                                    "worker": {"extraArgs": ["--attention-backend", "TRITON_ATTN"]}}},
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_may_differ_may(name: str) -> None:
    assert errors(SAME[name]) == ()


def test_invalid_arguments_are_one_error_each() -> None:
    found = errors(with_arguments("vllm", ["--spec-tokens", "x"], ["--attention-backend"]))
    assert {error.path for error in found} == {"models.chat.prefill.extraArgs[1]", "models.chat.decode.extraArgs[0]"}


def test_an_engine_that_compares_nothing_is_left_alone() -> None:
    table = engine("mocker").flags
    assert table
    assert errors({"models.chat.layout": "simulated", "models.chat.decode.extraArgs": ["--speedup-ratio", "2"]}) == ()
