"""TensorRT-LLM: what its workers are told, what a stack may add, and what its engine keys take."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from catalog.contracts import KvCacheDtype, MemoryInput, Role, TransferConnection
from catalog.engines import engine
from catalog.engines.trtllm import keys
from catalog.flags import classes
from catalog.flags.argv import uses
from catalog.flags.given import Given, Workers
from catalog.flags.spelling import meant
from catalog.formats import FormatUse
from catalog.machines import gpu_machine
from catalog.models import Card, card
from catalog.models.attention import Latent
from catalog.sizing import GIB
from manifests.graph import build, engine_input
from planning.types import Graph
from reading.errors import Error
from tests.stacks import errors, planned
from tools.trtllm_keys import keys_of, table
from workloads.evidence import transfer
from workloads.jobs.verify.clock import Deadline
from workloads.jobs.verify.metrics import counters
from workloads.jobs.verify.outcome import Outcome
from workloads.jobs.verify.transfer import Readings, asked_of, judge_transfer

TRTLLM = engine("trtllm")
LLAMA, GPT_OSS = "llama-3.3-70b-instruct", "gpt-oss-120b"
PATH = "models.chat.engine.extraArgs"
KV, BUFFER = "--trtllm.kv_cache_config", "--trtllm.cache_transceiver_config"
GRAPHS = "--trtllm.cuda_graph_config"


def graph(layout: str = "multi-node", model: str = LLAMA, **settings: Any) -> Graph:
    (found,) = planned(
        {"models.chat": {"model": model, "layout": layout, "engine": {"name": "trtllm", **settings}}}
    ).graphs
    return found


def flags_of(of: Graph, role: str) -> dict[str, str | None]:
    """The flags of one role's rendered command line, each with its only value."""
    (component,) = [c for c in build(of, {}).spec.components if c.name == role]
    args = component.pod_template.spec.containers[0].args
    return {use.name: next((value for _, value in use.values), None) for use in uses(args)}


def found(*words: str, model: str = LLAMA, layout: str = "multi-node", **settings: Any) -> tuple[Error, ...]:
    chosen = {"name": "trtllm", "extraArgs": list(words), **settings}
    return errors({"models.chat": {"model": model, "layout": layout, "engine": chosen}})


BOTH = {
    "--kv-block-size": "32",
    "--publish-metrics": None,
    "--trtllm.return_perf_metrics": "true",
    "--trtllm.kv_cache_config.dtype": "fp8",
    "--trtllm.kv_cache_config.tokens_per_block": "32",
    "--trtllm.kv_cache_config.free_gpu_memory_fraction": "0.7",
    "--trtllm.cache_transceiver_config.backend": "DEFAULT",
    "--trtllm.cache_transceiver_config.max_tokens_in_buffer": "10016",
}


def test_each_role_is_told_what_the_transfer_needs() -> None:
    chat = graph(kvCacheDtype="fp8", gpuMemoryUtilization=0.7, maxModelLen=10001)
    prefill, decode = flags_of(chat, "prefill"), flags_of(chat, "decode")
    same = {"--model": chat.model, "--served-model-name": LLAMA, "--max-seq-len": "10001", **BOTH}
    for line in (prefill, decode):
        assert {name: line[name] for name in same} == same
    own = ("--tensor-parallel-size", "--disaggregation-mode")
    assert {name: value for name, value in prefill.items() if name not in same and name not in own} == {
        "--publish-kv-events": None,
        "--trtllm.enable_chunked_prefill": "true",
        "--trtllm.disable_overlap_scheduler": "true",
        "--trtllm.kv_cache_config.enable_block_reuse": "true",
    }
    assert {name: value for name, value in decode.items() if name not in same and name not in own} == {
        "--trtllm.kv_cache_config.enable_block_reuse": "false"
    }
    assert (prefill["--disaggregation-mode"], decode["--disaggregation-mode"]) == ("prefill", "decode")
    assert flags_of(chat, "frontend")["--kv-cache-block-size"] == "32"


def test_an_aggregated_worker_moves_nothing_and_tells_of_its_blocks() -> None:
    worker = flags_of(graph("aggregated"), "worker")
    assert not [name for name in worker if "transceiver" in name or "overlap" in name]
    assert worker["--trtllm.kv_cache_config.enable_block_reuse"] == "true"
    assert (worker["--disaggregation-mode"], "--publish-kv-events" in worker) == ("agg", True)


def test_the_share_of_memory_is_not_given_where_dynamo_drops_it() -> None:
    """Any key of kv_cache_config replaces what Dynamo makes of its own flag for the share."""
    assert "--free-gpu-memory-fraction" not in flags_of(graph(), "decode")


@pytest.mark.parametrize("tokens", [1376, 1377, 10001, 131072])
def test_a_buffer_holds_the_longest_prompt(tokens: int) -> None:
    buffer = int(flags_of(graph(maxModelLen=tokens), "prefill")[f"{BUFFER}.max_tokens_in_buffer"] or 0)
    assert tokens <= buffer < tokens + 32
    assert buffer % 32 == 0


def test_pods_start_the_module_with_the_images_own_libraries_first() -> None:
    (component,) = [c for c in build(graph(), {}).spec.components if c.name == "decode"]
    container = component.pod_template.spec.containers[0]
    assert container.image == "nvcr.io/nvidia/ai-dynamo/tensorrtllm-runtime:1.6.1"
    script = container.command[2]
    assert script.startswith('export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/nvidia/lib64"; ')
    env = {variable.name: variable.value for variable in container.env}
    assert "LD_LIBRARY_PATH" not in env
    assert (env["OMPI_ALLOW_RUN_AS_ROOT"], env["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"]) == ("1", "1")
    assert env["TRTLLM_NO_USAGE_STATS"] == "1"
    assert env["TRTLLM_NIXL_INTERFACE"] == env["NCCL_SOCKET_IFNAME"] == "eth0"
    assert (env["UCX_PROTO_INFO"], "NIXL_TELEMETRY_ENABLE" in env) == ("remote memory write*", False)


@pytest.mark.parametrize(("before", "after"), [(None, ""), ("/nixl:/ucx", "/nixl:/ucx:")], ids=["unset", "set"])
def test_the_command_appends_to_the_search_path(tmp_path: Path, before: str | None, after: str) -> None:
    """Run with a python3 that prints what it got."""
    fake = tmp_path / "python3"
    fake.write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH" "$@"\n')
    fake.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"} | ({"LD_LIBRARY_PATH": before} if before else {})
    done = subprocess.run([*TRTLLM.command, "--model", "m"], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == f"{after}/usr/local/nvidia/lib64 -m dynamo.trtllm --model m\n"


def test_a_command_line_says_what_side_of_the_transfer_it_is() -> None:
    (multi, alone) = graph(), graph("aggregated")
    read = {w.role: TRTLLM.connection(TRTLLM.arguments(engine_input(g, w))) for g in (multi, alone) for w in g.workers}
    assert read == {
        Role.PREFILL: TransferConnection(connector="DEFAULT", sends=True, receives=False),
        Role.DECODE: TransferConnection(connector="DEFAULT", sends=False, receives=True),
        Role.WORKER: TransferConnection(connector=None, sends=False, receives=False),
    }


def test_roles_may_have_any_sizes() -> None:
    sizes = {"prefill": {"tensorParallel": 8}, "decode": {"tensorParallel": 2}}
    assert (
        errors({"models.chat": {"model": "qwen3-32b", "layout": "multi-node", "engine": {"name": "trtllm"}, **sizes}})
        == ()
    )


@dataclass(frozen=True)
class Bad:
    name: str
    words: tuple[str, ...]
    says: str
    at: int = 0
    model: str = LLAMA
    layout: str = "multi-node"


BAD = [
    Bad("typo in a key", (f"{KV}.enable_partial_reus", "true"), f"did you mean {KV}.enable_partial_reuse?"),
    Bad("typo in a group", ("--trtllm.kv_cach_config.enable_partial_reuse", "true"), f"did you mean {KV}."),
    Bad("key without its group", ("--trtllm.enable_partial_reuse", "true"), f"did you mean {KV}.enable_partial_reuse?"),
    Bad("dashes", ("--trtllm.attn-backend", "TRTLLM"), "did you mean --trtllm.attn_backend?"),
    Bad("unknown key", ("--trtllm.colour", "red"), "(Dynamo 1.6.1, TensorRT-LLM 1.3.0rc29)"),
    Bad("flag of vLLM", ("--max-num-seqs", "4"), "but of"),
    Bad("key without a value", ("--trtllm.print_iter_log",), "needs a value, one of true, false"),
    Bad("number for true or false", ("--trtllm.print_iter_log", "1"), '"1" is not one of true, false', 1),
    Bad("text for a number", ("--trtllm.stream_interval", "often"), "must be a whole number", 1),
    Bad("fraction for a whole number", ("--trtllm.stream_interval", "1.5"), "must be a whole number", 1),
    Bad("suffix", ("--trtllm.stream_interval", "8k"), "must be a whole number", 1),
    Bad("below its bound", ("--trtllm.stream_interval", "0"), "must be at least 1", 1),
    Bad("above its bound", ("--trtllm.batch_wait_max_tokens_ratio", "1.5"), "must be at most 1", 1),
    Bad("not one of the choices", ("--trtllm.allreduce_strategy", "NCLL"), "did you mean NCCL?", 1),
    Bad("none where none is no value", ("--trtllm.stream_interval", "none"), "must be a whole number", 1),
    Bad("a list", ("--trtllm.cuda_graph_config.batch_sizes", "[1,2]"), "it takes a list"),
    Bad("a list of floats", (f"{KV}.pool_ratio", "[0.5,0.5]"), "it takes a list"),
    Bad("an object", ("--trtllm.moe_config", '{"backend": "CUTLASS"}'), "set one of its keys", model=GPT_OSS),
    Bad("given twice", ("--trtllm.print_iter_log", "true", "--trtllm.print_iter_log=false"), "is given twice", 2),
    Bad("none and a key of it", (GRAPHS, "none", f"{GRAPHS}.enable_padding", "true"), "remove one of them", 1),
    Bad("a file of engine arguments", ("--extra-engine-args", "/models/x.yaml"), "give each as --trtllm.KEY VALUE"),
    Bad("engine arguments as JSON", ("--override-engine-args", "{}"), "give each as --trtllm.KEY VALUE"),
    Bad("the old combined flag", ("--publish-events-and-metrics",), "this program publishes both"),
    Bad("metrics off", ("--no-publish-metrics",), "always on"),
    Bad("events", ("--publish-kv-events",), "remove it"),
    Bad("overlap scheduler", ("--trtllm.disable_overlap_scheduler", "false"), "follows from the role"),
    Bad("block reuse", (f"{KV}.enable_block_reuse=true",), "follows from the role"),
    Bad("performance metrics", ("--trtllm.return_perf_metrics", "false"), "always true"),
    Bad("buffer", (f"{BUFFER}.max_tokens_in_buffer", "64"), "hangs under load"),
    Bad("backend of the transfer", (f"{BUFFER}.backend", "UCX"), "both roles must name the same"),
    Bad("blocks", (f"{KV}.tokens_per_block", "64"), "blocks of one size"),
    Bad("blocks, Dynamo's flag", ("--kv-block-size", "64"), "blocks of one size"),
    Bad("type of the cache", (f"{KV}.dtype", "fp8"), "use `engine.kvCacheDtype`"),
    Bad("share of memory", (f"{KV}.free_gpu_memory_fraction", "0.5"), "use `engine.gpuMemoryUtilization`"),
    Bad("share of memory, Dynamo's flag", ("--free-gpu-memory-fraction", "0.5"), "use `engine.gpuMemoryUtilization`"),
    Bad("size of the cache", (f"{KV}.max_tokens", "1000"), "the plan would not know"),
    Bad("batch by its key", ("--trtllm.max_batch_size", "8"), "use Dynamo's --max-batch-size"),
    Bad("pipeline", ("--pipeline-parallel-size", "2"), "an engine is one pod"),
    Bad("pipeline by its key", ("--trtllm.pipeline_parallel_size", "2"), "an engine is one pod"),
    Bad("speculation", ("--trtllm.speculative_config.decoding_type", "NGram"), "has not been checked here"),
    Bad("adapters", ("--trtllm.enable_lora", "true"), "LoRA adapters are not served here"),
    Bad("code of others", ("--trtllm.trust_remote_code", "true"), "name the flag in `engine.allowCode` too"),
    Bad("experts of a dense model", ("--expert-parallel-size", "2"), "has no experts"),
    Bad("experts of a dense model, by a key", ("--trtllm.moe_config.backend", "CUTLASS"), "has no experts"),
    Bad("experts that do not divide", ("--expert-parallel-size", "3"), "use 1", 1, model=GPT_OSS),
    Bad("attention DP without latent attention", ("--enable-attention-dp",), "use `replicas` of a role"),
    Bad("attention without sinks", ("--trtllm.attn_backend", "FLASHINFER"), "attention sinks", 1, model=GPT_OSS),
    Bad("transfer of an aggregated layout", (f"{BUFFER}.kv_transfer_timeout_ms", "9000"), "no KV cache moves",
        layout="aggregated"),
    Bad("no time for the Python runtime",
        (f"{BUFFER}.kv_transfer_timeout_ms", "none", f"{BUFFER}.transceiver_runtime", "PYTHON"), "needs a time", 1),
    Bad("skipped correction", ("--trtllm.enable_mla_skip_correction", "true", "--trtllm.attn_backend", "VANILLA"),
        "needs --trtllm.attn_backend TRTLLM", 1),
    Bad("file of trtllm-serve", ("--extra_llm_api_options", "/models/x.yaml"), "--trtllm.KEY VALUE for each key"),
    Bad("a configuration file", ("--config", "/models/x.yaml"), "--trtllm.KEY VALUE for each key"),
    Bad("flag of trtllm-serve", ("--tp_size", "2"), "use tensorParallel of a role"),
    Bad("negative iterations", ("--trtllm.attention_dp_config.timeout_iters", "-1"), "must be at least 0", 1),
    Bad("settings without attention DP", ("--trtllm.attention_dp_config.enable_balance", "true"), "has no effect", 1),
    Bad("empty value", ("--trtllm.print_iter_log=",), "is not one of true, false"),
    Bad("a number for text", ("--dyn-tool-call-parser", "8"), "is not one of", 1),
    Bad("small pieces", ("--max-num-tokens", "16"), "must be at least 32", 1),
    Bad("no request", ("--engine-request-limit", "0"), "must be at least 1", 1),
    Bad("fewer than no request", ("--engine-request-limit", "-1"), "must be at least 1", 1),
    Bad("no events", (f"{KV}.event_buffer_max_size", "0"), "the router learns from these events", 1),
    Bad("a negative buffer", (f"{KV}.event_buffer_max_size", "-5"), "must be at least 1", 1),
    Bad("no piece for experts", ("--trtllm.moe_config.max_num_tokens", "0"), "must be at least 1", 1, model=GPT_OSS),
    Bad("no garbage collection", ("--trtllm.garbage_collection_gen0_threshold", "0"), "must be at least 1", 1),
    Bad("endless", ("--trtllm.batch_wait_timeout_ms", "1e400"), "is too large a number", 1),
    Bad("more than 32 bits", ("--max-batch-size", "2147483648", "--max-num-tokens", "2147483647"), "at most", 1),
    Bad("more sequences than tokens", ("--max-num-tokens", "64", "--max-batch-size", "512"), "use at most 64", 3),
    Bad("more sequences than tokens by default", ("--max-batch-size", "100000"), "is 8192 by default; use at most", 1),
    Bad("larger graphs than batches", (f"{GRAPHS}.max_batch_size", "8192"), "2048 by default", 1),
    Bad("larger graphs than the stack's batches", (f"{GRAPHS}.max_batch_size", "65", "--max-batch-size", "64"),
        "use at most 64", 1),
    Bad("template outside the bucket", ("--custom-jinja-template", "/tmp/x.jinja"), "is not under /models", 1),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_it_is_refused_at_its_word_with_a_way_out(case: Bad) -> None:
    said = {(error.path, error.message) for error in found(*case.words, model=case.model, layout=case.layout)}
    assert [message for path, message in said if path == f"{PATH}[{case.at}]" and case.says in message], said


GOOD = [
    ("--max-batch-size", "64", "--max-num-tokens", "16384"),
    ("--trtllm.cuda_graph_config", "none"),
    ("--trtllm.cuda_graph_config.enable_padding=true", "--trtllm.cuda_graph_config.max_batch_size=64"),
    ("--trtllm.allreduce_strategy", "NCCL", "--trtllm.batch_wait_timeout_ms", "2.5"),
    ("--max-batch-size", "64", "--max-num-tokens", "64", f"{GRAPHS}.max_batch_size", "64"),
    ("--engine-request-limit", "1", f"{KV}.event_buffer_max_size", "1"),
    (f"{BUFFER}.kv_transfer_timeout_ms", "none", f"{BUFFER}.transceiver_runtime", "CPP"),
    (f"{KV}.secondary_offload_min_priority", "-1"),
    (
        "--dyn-tool-call-parser",
        "llama3_json",
        "--dyn-reasoning-parser",
        "basic",
        "--guided-decoding-backend",
        "xgrammar",
    ),
]


@pytest.mark.parametrize("words", GOOD, ids=lambda words: words[-2])
def test_it_is_taken(words: tuple[str, ...]) -> None:
    assert found(*words) == ()


def test_experts_are_divided_over_an_engines_gpus() -> None:
    assert found("--expert-parallel-size", "1", "--trtllm.moe_config.backend", "TRITON", model=GPT_OSS) == ()


def _rules(chosen: Card, *words: str, sizes: tuple[int, ...] = (4, 8), machines: tuple[str, ...] = ()) -> list[str]:
    """What the engine's own rules say of workers of a card that the catalog does not have."""
    workers = Workers(
        card=chosen, tensor_parallel=sizes, disaggregated=True, max_model_len=8192, kv_cache_dtype=KvCacheDtype.AUTO,
        block_size=32, gpus=tuple(gpu_machine(name).gpus for name in machines), reads_bucket=True,
    )  # fmt: skip
    assert TRTLLM.flags
    owned = [f"{word}: {why}" for word in words if (why := TRTLLM.owned_flags(workers).get(word))]
    return owned + [error.message for error in TRTLLM.argument_errors(Given(TRTLLM.flags, words), workers)]


def test_latent_attention_may_be_computed_by_each_gpu_for_its_own_requests() -> None:
    latent = Latent(kind="mla", heads=128, kv_lora_rank=512, rope_head_dim=64)
    moe = card(GPT_OSS).model_copy(update={"attention": latent})
    words = ("--enable-attention-dp", "--trtllm.attention_dp_config.enable_balance", "true")
    assert _rules(moe, *words, "--expert-parallel-size", "4", "--trtllm.moe_config.backend", "CUTLASS") == []
    assert TRTLLM.flags
    (warning,) = TRTLLM.argument_warnings(Given(TRTLLM.flags, words))
    assert "all weights of the attention layers" in warning


def test_experts_must_divide_the_gpus_of_both_roles() -> None:
    (error,) = _rules(card(GPT_OSS), "--expert-parallel-size", "8")
    assert error.endswith("8 does not divide the 4 GPUs of an engine, its tensorParallel; use 1 or 2 or 4")


L4, A100, H200, B200, GB300, RTX = (
    "g2-standard-8", "a2-ultragpu-1g", "a3-ultragpu-8g", "a4-highgpu-8g", "a4x-maxgpu-4g-metal", "g4-standard-48",
)  # fmt: skip
EVERYWHERE, BLACKWELL = {L4, A100, H200, B200, GB300, RTX}, {B200, GB300}
EXPERTS = [
    ("AUTO", "mxfp4", EVERYWHERE),
    ("CUTLASS", "mxfp4", EVERYWHERE),
    ("TRTLLM", "mxfp4", BLACKWELL),
    ("TRTLLM", "fp8", BLACKWELL),
    ("TRITON", "mxfp4", {H200}),
    ("TRITON", "fp8", set[str]()),
    ("DEEPGEMM", "fp8", BLACKWELL),
    ("DEEPGEMM", "mxfp4", set[str]()),
    ("CUTEDSL", "nvfp4", {B200, GB300, RTX}),
    ("DENSEGEMM", "nvfp4", BLACKWELL),
    ("MARLIN", "nvfp4", {L4, H200}),
    ("MEGAMOE_CUTEDSL", "nvfp4", BLACKWELL),
    ("MEGAMOE_DEEPGEMM", "mxfp4", set[str]()),
]


@pytest.mark.parametrize(("name", "weights", "machines"), EXPERTS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_kernel_of_experts_fits_the_gpu_and_the_format(name: str, weights: str, machines: set[str]) -> None:
    gpt_oss = card(GPT_OSS)
    chosen = gpt_oss.model_copy(update={"weights": gpt_oss.weights.model_copy(update={"format": weights})})
    words = ("--trtllm.moe_config.backend", name)
    assert {machine for machine in EVERYWHERE if not _rules(chosen, *words, machines=(machine,))} == machines
    assert bool(_rules(chosen, *words, machines=(H200, B200))) is not ({H200, B200} <= machines)


def test_a_refused_kernel_of_experts_names_the_others() -> None:
    (error,) = found("--trtllm.moe_config.backend", "TRTLLM", model=GPT_OSS)
    assert error.message.endswith("on H200; use one of AUTO, CUTLASS, VANILLA, TRITON, or remove it")
    wide = card(GPT_OSS).architecture.model_copy(update={"hidden_size": 4096})
    chosen = card(GPT_OSS).model_copy(update={"architecture": wide})
    assert _rules(chosen, "--trtllm.moe_config.backend", "MEGAMOE_DEEPGEMM", machines=(B200,)) == []


@pytest.mark.parametrize(
    "words",
    [("--trtllm.allreduce_strategy", "MNNVL"), *((f"--trtllm.use_cute_dsl_{name}", "true") for name in
     ("bf16_bmm", "bf16_gemm", "blockscaling_bmm", "blockscaling_mm"))],
    ids=lambda words: words[0],
)  # fmt: skip
def test_what_only_blackwell_has_is_refused_before_it(words: tuple[str, str]) -> None:
    refused = {machine for machine in EVERYWHERE if _rules(card(LLAMA), *words, machines=(machine,))}
    assert refused == {L4, A100, H200}
    assert _rules(card(LLAMA), *words, machines=(B200, H200))
    assert not _rules(card(LLAMA), words[0], "false" if words[1] == "true" else "NCCL", machines=(H200,))


def test_a_negative_number_of_expert_groups_is_one_error() -> None:
    (error,) = found("--expert-parallel-size", "-3", model=GPT_OSS)
    assert "at least 1" in error.message


def test_a_bounded_key_may_be_none() -> None:
    assert found("--trtllm.moe_config.max_num_tokens", "none", model=GPT_OSS) == ()


def test_a_key_with_an_equals_sign_becomes_two_words() -> None:
    chat = graph(extraArgs=["--trtllm.stream_interval=4"])
    for role in ("prefill", "decode"):
        (component,) = [c for c in build(chat, {}).spec.components if c.name == role]
        assert component.pod_template.spec.containers[0].args[-2:] == ("--trtllm.stream_interval", "4")


def test_every_group_of_the_classes_has_keys() -> None:
    """A group of keys that a new version renamed would silently refuse its keys for another reason."""
    assert TRTLLM.flags
    text = TRTLLM.flags.path.with_suffix(".yaml").read_text(encoding="utf-8")
    groups = re.findall(r"^ +(--trtllm\.\S+)\.\*:", text, re.MULTILINE)
    assert len(groups) > 10
    assert [group for group in groups if group not in keys.flags()] == []


def test_a_list_or_an_object_is_refused_for_what_it_is() -> None:
    assert keys.refused().keys() <= keys.flags().keys()
    assert {"--trtllm.pp_partition", "--trtllm.kv_cache_config"} <= keys.refused().keys()
    assert "--trtllm.cuda_graph_config" not in keys.refused(), "it may be none"


def test_a_key_is_proposed_for_its_last_part_only_where_one_has_it() -> None:
    assert meant("--trtllm.tokens_per_block", tuple(keys.flags())) is None, "two groups have it"
    assert meant("--trtllm.copy_on_partial_reuse", tuple(keys.flags())) == f"{KV}.copy_on_partial_reuse"


SOURCE = '''
class Kind(StrEnum):
    """What it is."""
    SMALL = "small"
    LARGE = "large"

class Base(StrictBaseModel):
    shared: Optional[int] = Field(default=None, ge=0, le=9, description="Shared.")
    _hidden: int = PrivateAttr(default=1)
    CONSTANT: ClassVar[bool] = False

class First(Base):
    kind: Literal["first"] = Field(default="first")
    size: PositiveInt = Field(default=1)

class Second(Base):
    kind: Literal["second"] = "second"
    size: NonNegativeInt = Field(default=0)
    shared: Optional[float] = Field(default=None)

Either: TypeAlias = Annotated[Union[First, Second], Field(discriminator="kind")]

class BaseLlmArgs(StrictBaseModel):
    model: Union[str, Path] = Field(description="The model.")
    held: Optional[Either] = Field(default=None)

class TorchLlmArgs(BaseLlmArgs):
    dtype: str = Field(default="auto", telemetry=TelemetryField.categorical("auto", "fp8"))
    grade: Kind = Field(default=Kind.SMALL, status="deprecated")
    auto: bool | Literal["auto"] = Field(default="auto")
    sizes: Optional[List[int]] = Field(default=None)
    foreign: Elsewhere = Field(default=None)

    def method(self) -> int:
        return 1
'''


def test_keys_are_read_out_of_the_engines_source() -> None:
    assert {path: key.plain() for path, key in keys_of(SOURCE).items()} == {
        "auto": {"types": ["boolean", "text"], "choices": ["auto"]},
        "dtype": {"types": ["text"], "choices": ["auto", "fp8"]},
        "foreign": {"types": ["object"]},
        "grade": {"types": ["text"], "choices": ["small", "large"], "deprecated": True},
        "held": {"types": ["null", "object"]},
        "held.kind": {"types": ["text"], "choices": ["first", "second"]},
        "held.shared": {"types": ["integer", "null", "number"]},
        "held.size": {"types": ["integer"]},
        "model": {"types": ["text"]},
        "sizes": {"types": ["list", "null"]},
    }
    assert '"commit": "abc"' in table(SOURCE, "abc")


def test_what_the_program_sets_is_among_the_keys() -> None:
    rendered = {
        name for role in ("prefill", "decode") for name in flags_of(graph(), role) if name.startswith(keys.PREFIX)
    }
    assert rendered <= keys.flags().keys()
    assert TRTLLM.flags
    assert rendered <= classes.not_allowed(TRTLLM.flags).keys(), "a stack may give none of them itself"


@pytest.mark.parametrize(
    ("name", "capability", "use"),
    [
        ("fp8", "8.0", FormatUse.REFUSED),
        ("fp8", "8.9", FormatUse.NATIVE),
        ("nvfp4", "9.0", FormatUse.REFUSED),
        ("nvfp4", "10.0", FormatUse.NATIVE),
        ("mxfp4", "8.9", FormatUse.REFUSED),
        ("mxfp4", "9.0", FormatUse.WEIGHT_ONLY),
        ("mxfp4", "12.0", FormatUse.NATIVE),
        ("int4", "8.0", FormatUse.WEIGHT_ONLY),
        ("int4", "10.0", FormatUse.REFUSED),
    ],
)
def test_a_format_is_what_the_documentation_says(name: str, capability: str, use: FormatUse) -> None:
    assert TRTLLM.formats[name].use(capability) is use


ANNOUNCED = """# HELP trtllm_kv_transfer_success_total Total number of successful KV cache transfers
# TYPE trtllm_kv_transfer_success_total counter
# HELP trtllm_kv_transfer_bytes KV cache transfer size per request in bytes
# TYPE trtllm_kv_transfer_bytes histogram
"""
_LABELS = '{disaggregation_mode="decode",engine_type="trtllm",model_name="m"}'
COUNTED = f"""{ANNOUNCED}trtllm_kv_transfer_success_total{_LABELS} 4.0
trtllm_kv_transfer_bytes_count{_LABELS} 4.0
trtllm_kv_transfer_bytes_sum{_LABELS} 4.194304e+06
"""


@pytest.mark.parametrize(
    ("page", "outcome", "says"),
    [
        (COUNTED, Outcome.VERIFIED, "4.00 MiB in 4 KV cache transfers for 4 answered prompts."),
        (ANNOUNCED, Outcome.NOT_VERIFIED, "0.00 MiB in 0 KV cache transfers for 4 answered prompts."),
        ("", Outcome.UNKNOWN, "has no counter trtllm_kv_transfer_bytes_sum; the worker counts only with"),
    ],
    ids=["counted", "announced", "absent"],
)
def test_decode_shows_that_cache_arrived(page: str, outcome: Outcome, says: str) -> None:
    """As prometheus_client writes it: a family with labels is announced, and has no sample before it counts."""
    assert TRTLLM.transfer_evidence
    evidence = transfer(TRTLLM.transfer_evidence)
    pages = (ANNOUNCED if page else "", page)
    first, last = (counters(text.splitlines(), asked_of(evidence), Deadline(5)) for text in pages)
    (verdict,) = judge_transfer(evidence, {"decode": ("d0",)}, Readings({"d0": first}, {"d0": last}, {}), 4)
    assert verdict.outcome is outcome
    assert says in verdict.sentence


def _memory(share: float, *, length: int = 8192, model: str = LLAMA, words: tuple[str, ...] = ()) -> Any:
    gpus = gpu_machine("a3-ultragpu-8g").gpus
    return TRTLLM.memory(
        card(model),
        MemoryInput(
            gpu=gpus.product, gpu_bytes=140 * GIB, weights=32 * GIB, share=share, tensor_parallel=4,
            max_model_len=length, arguments=words,
        ),
    )  # fmt: skip


def test_the_cache_gets_its_share_of_what_the_weights_leave() -> None:
    free = 140 * GIB - 32 * GIB - _memory(0.5).overhead
    assert _memory(0.5).kv_cache == 0.5 * free
    assert _memory(0.5, words=("--max-num-tokens", "32768")).kv_cache < 0.5 * free


def test_larger_batches_than_usual_take_memory_for_their_logits() -> None:
    usual, more = _memory(0.5), _memory(0.5, words=("--max-batch-size", "8192"))
    assert more.overhead - usual.overhead == (8192 - 2048) * 8 * card(LLAMA).architecture.vocab_size
    assert more.kv_cache < usual.kv_cache
    assert (usual.advice, more.advice) == (None, "fewer than 8192 sequences in a batch leave more")
    assert _memory(0.5, words=("--max-batch-size", "64")) == usual


def test_a_long_transfer_buffer_takes_what_a_large_share_would_leave_it() -> None:
    buffer = 131072 * 2 * card(LLAMA).attention.elements_per_token(card(LLAMA).architecture.layers, 4)
    free = 140 * GIB - 32 * GIB - _memory(0.99).overhead
    assert _memory(0.99, length=131072).kv_cache == free - buffer
