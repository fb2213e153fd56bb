"""SGLang: what every worker gets, what a stack may not change, and between which workers KV cache moves."""

import re
from itertools import product
from typing import Any

import pytest

from catalog.contracts import EnvVar, KvCacheDtype, MemoryInput, Role, RoleShape
from catalog.engines import engine
from catalog.engines.sglang import BOOTSTRAP_PORT, kv_split
from catalog.engines.sglang.memory import WINDOW_RATIO
from catalog.formats import FormatUse
from catalog.machines import gpu_machine
from catalog.models import Card, card
from catalog.models.attention import Latent
from catalog.sizing import GIB, engine_memory
from manifests.graph import build, engine_input
from planning.types import Graph
from tests.command_lines import rendered
from tests.sglang_cases import MOE, REFUSED, TAKEN, Refused, Taken
from tests.stacks import errors, planned
from workloads.network_policies import within_graph

SGLANG = engine("sglang")
PATH = "models.chat.engine"
H200 = gpu_machine("a3-ultragpu-8g").gpus


def stack(model: str = "llama-3.3-70b-instruct", layout: str = "multi-node", **settings: Any) -> dict[str, Any]:
    return {"models.chat": {"model": model, "layout": layout, "engine": {"name": "sglang"}} | settings}


def graph(model: str = "llama-3.3-70b-instruct", layout: str = "multi-node", **settings: Any) -> Graph:
    (found,) = planned(stack(model, layout, **settings)).graphs
    return found


def found(words: list[str], model: str = "llama-3.3-70b-instruct", **settings: Any) -> list[tuple[str, str]]:
    changes = stack(model, **settings, engine={"name": "sglang", "extraArgs": words})
    return [(error.path.removeprefix(f"{PATH}."), error.message) for error in errors(changes)]


def values(line: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(line, (*line[1:], ""), strict=True))


EVERY_WORKER = {
    "--host": "0.0.0.0",
    "--page-size": "64",
    "--dtype": "bfloat16",
    "--kv-cache-dtype": "auto",
    "--tp-size": "8",
    "--context-length": "32768",
    "--mem-fraction-static": "0.89",
}


@pytest.mark.parametrize("layout", ["multi-node", "aggregated"])
def test_what_every_worker_gets(layout: str) -> None:
    chosen = graph(layout=layout)
    frontend = values(rendered("llama-3.3-70b-instruct", layout, name="sglang")["frontend"][1])
    assert frontend["--kv-cache-block-size"] == "64"
    for worker in chosen.workers:
        inputs = engine_input(chosen, worker)
        line = SGLANG.arguments(inputs)
        given = values(line)
        own = EVERY_WORKER | {"--tp-size": str(worker.tensor_parallel)}
        assert {name: given[name] for name in own} == own
        assert "--enable-metrics" in line
        assert EnvVar(name="SGLANG_HOST_IP", field="status.podIP") in SGLANG.environment(inputs)
        moves = worker.role is not Role.WORKER
        assert {"--disaggregation-transfer-backend" in line, "--disaggregation-bootstrap-port" in line} == {moves}
        assert given.get("--disaggregation-mode") == (worker.role.value if moves else None)
        if moves:
            assert given["--disaggregation-transfer-backend"] == "nixl"
            assert given["--disaggregation-bootstrap-port"] == str(BOOTSTRAP_PORT) == "30001"
        events = given.get("--kv-events-config")
        assert (events is None) is (worker.role is Role.DECODE)
        assert events is None or ('"publisher":"zmq"' in events and '"endpoint":"tcp://*:' in events)


def test_an_fp8_kv_cache_is_one_format_on_both_roles() -> None:
    chosen = graph(engine={"name": "sglang", "kvCacheDtype": "fp8"})
    lines = [values(SGLANG.arguments(engine_input(chosen, worker))) for worker in chosen.workers]
    assert [line["--kv-cache-dtype"] for line in lines] == ["fp8_e4m3", "fp8_e4m3"]


def test_the_operator_and_the_image_are_sglangs() -> None:
    wire = build(graph(), {}).to_wire()
    assert wire["spec"]["backendFramework"] == "sglang"
    images = [
        component["podTemplate"]["spec"]["containers"][0]["image"].partition(":")[0]
        for component in wire["spec"]["components"]
        if component["type"] != "frontend"
    ]
    assert images == ["nvcr.io/nvidia/ai-dynamo/sglang-runtime"] * 2


def test_only_pods_of_the_same_graph_reach_the_bootstrap_server() -> None:
    rules = within_graph("dynamo", "chat", [9090, 19090], {})["spec"]["ingress"]
    own = {"podSelector": {"matchLabels": {"nvidia.com/dynamo-graph-deployment-name": "chat"}}}
    assert rules[0]["from"] == [own]
    assert rules[0]["ports"] == [{"protocol": "TCP"}]
    assert BOOTSTRAP_PORT not in [port["port"] for rule in rules[1:] for port in rule["ports"]]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--host", "127.0.0.1"], "every request hangs while health stays green"),
        (["--host=0.0.0.0"], "it is 0.0.0.0"),
        (["--disaggregation-transfer-backend", "mooncake"], "it is nixl"),
        (["--disaggregation-bootstrap-port", "12345"], "it is 30001"),
        (["--page-size", "128"], "router counts in blocks of the same 64"),
        (["--enable-metrics"], "autoscalers"),
        (["--kv-events-config", '{"publisher": "zmq"}'], "which blocks they hold"),
        (["--disaggregation-mode", "prefill"], "role of the worker"),
        (["--tp-size", "4"], "`tensorParallel`"),
        (["--tensor-parallel-size", "4"], "`tensorParallel`"),
        (["--tp", "4"], "did you mean --tp-size? It is not set here: use `tensorParallel`"),
        (["--tensor-par", "4"], "It is not set here: use `tensorParallel`"),
        (["--pp-size", "2"], "pipeline of decode"),
        (["--pp-s", "2"], "pipeline of decode"),
        (["--dcp-size", "2"], "context is split"),
        (["--attn-cp-size", "2"], "context is split"),
        (["--mem-fraction-static", "0.8"], "`engine.gpuMemoryUtilization`"),
        (["--mem-frac", "0.8"], "`engine.gpuMemoryUtilization`"),
        (["--context-length", "4096"], "`engine.maxModelLen`"),
        (["--quantization", "fp8"], "checkpoint says"),
        (["--max-total-tokens", "4096"], "the plan counts"),
        (["--disable-radix-cache"], "sends no KV events"),
        (["--schedule-low-priority-values-first"], "Dynamo refuses it"),
        (["--enable-priority-scheduling"], "autoscalers add both up"),
        (["--enable-hierarchical-cache"], "outside the GPUs"),
        (["--trust-remote-code"], "engine.allowCode"),
        (["--config", "/models/x.yaml"], "hide flags"),
        (["--cuda-graph-max-bs", "64"], "use --cuda-graph-max-bs-decode"),
        (["--enforce-eager"], "but of dynamo.vllm"),
        (["--chunked-prefil-size", "4096"], "did you mean --chunked-prefill-size?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_stack_may_not_give(words: list[str], says: str) -> None:
    ((_, message),) = found(words)
    assert says in message


MOE_SIZES: dict[str, Any] = {"prefill": {"tensorParallel": 4}, "decode": {"tensorParallel": 4}}


def of_case(case: Refused | Taken) -> list[tuple[str, str]]:
    return found(list(case.words), case.model, **(MOE_SIZES if case.model == MOE else {}))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_sglang_refuses_or_misreads_is_refused(case: Refused) -> None:
    ((where, message),) = of_case(case)
    assert where == f"extraArgs[{case.at}]"
    assert case.says in message


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_what_sglang_takes_is_taken(case: Taken) -> None:
    assert of_case(case) == []


@pytest.mark.parametrize(
    "words",
    [
        ["--enable-dp-attention", "--dp-size", "two"],
        ["--enable-dp-attention", "--dp-size", "0"],
        ["--swa-full-tokens-ratio", "half"],
        ["--swa-full-tokens-ratio", "-1"],
        ["--chunked-prefill-size", "4k"],
        ["--enable-dp-attention", "--dp-size"],
        ["--cuda-graph-bs-decode", "9" * 5000],
        ["--max-running-requests", "9" * 400],
    ],
    ids=lambda words: " ".join(words)[:60],
)
def test_an_invalid_number_is_an_error_of_its_word(words: list[str]) -> None:
    at = {where for where, _ in found(words, MOE, **MOE_SIZES)}
    assert at & {f"extraArgs[{len(words) - 1}]", f"extraArgs[{len(words) - 2}]"}
    assert all(where.startswith("extraArgs[") for where in at)


def test_roles_may_attend_in_groups_of_their_own() -> None:
    """gpt-oss needs equal sizes of attention: 8 GPUs in two groups are as good as 4."""
    groups = ["--enable-dp-attention", "--dp-size", "2"]
    sizes = {"prefill": {"tensorParallel": 8, "extraArgs": groups}, "decode": {"tensorParallel": 4}}
    assert errors(stack(MOE, **sizes)) == ()
    (error,) = errors(stack(MOE, **{**sizes, "decode": {"tensorParallel": 8}}))
    assert "sliding window between equal sizes only" in error.message


@pytest.mark.parametrize(
    ("role", "prefill", "decode"), [("prefill", "2 of its 4", "4 of its 4"), ("decode", "4 of its 4", "2 of its 4")]
)
def test_groups_of_one_role_are_blamed_where_they_are_given(role: str, prefill: str, decode: str) -> None:
    sizes: dict[str, Any] = {"prefill": {"tensorParallel": 4}, "decode": {"tensorParallel": 4}}
    sizes[role]["extraArgs"] = ["--enable-dp-attention", "--dp-size", "2"]
    (error,) = errors(stack(MOE, **sizes))
    assert error.path == f"models.chat.{role}.extraArgs[1]"
    assert f"with --dp-size, attention is divided in prefill over {prefill} GPUs and decode over {decode} GPUs" in (
        error.message
    )
    assert "incompatible" not in error.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Request 7 timed out after 300.1s in KVPoll.WaitingForInput", "got no KV cache within"),
        ("Request 7 timed out after 300.1s in KVPoll.Bootstrapping", "did not find each other"),
        ("Error fetching prefill info from bootstrap: refused", "did not find each other"),
        ("Error fetching prefill server info from bootstrap: refused", "did not find each other"),
        ("Failed to get prefill server info: 404, none", "did not find each other"),
        ("Could not fetch bootstrap info for: prefill_dp_rank: 0 prefill_cp_rank: 0", "did not find each other"),
        ("Prefill instance failed to register to bootstrap server after 5 retries", "its own bootstrap server"),
        ("Lost connection with prefill instance (bootstrap_addr: 10.0.0.1:30001)", "prefill ended or became"),
        ("Failed to get kvcache from prefill instance, it might be dead", "prefill ended or became"),
        (
            "PD Disaggregation does NOT support PD different TP sizes for non-MLA SWA hybrid models yet.",
            "the same tensorParallel",
        ),
        ("PD Disaggregation via NIXL does NOT support mamba hybrid models yet.", "the same tensorParallel"),
        ("Page size mismatch: prefill server has page_size=1", "different settings"),
        ("KV cache dtype mismatch: prefill server has kv_cache_dtype=auto", "different settings"),
    ],
)
def test_what_sglang_says_of_a_failed_transfer_is_known(text: str, says: str) -> None:
    known = [failure.remedy for failure in SGLANG.known_failures if re.search(failure.pattern, text)]
    assert says in known[0]


@pytest.mark.parametrize("name", ["sglang", "trtllm", "vllm"])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--dyn-structural-tag", "{"], "is no JSON object, and as a file it is not under /models"),
        (["--dyn-structural-tag", "[1]"], "is no JSON object"),
        (["--dyn-structural-tag", "/etc/tag.json"], "is not under /models"),
        (["--dyn-structural-tag", '{"type": "structural_tag"}'], None),
        (["--custom-jinja-template", "/nonexistent/x.jinja"], "is not under /models"),
        (["--custom-jinja-template", "/models/chat.jinja"], None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_dynamos_own_flags_are_checked_for_every_engine(name: str, words: list[str], says: str | None) -> None:
    messages = [error.message for error in errors(stack(engine={"name": name, "extraArgs": words}))]
    assert len(messages) == (1 if says else 0)
    assert not says or says in messages[0]


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        (
            "sglang",
            ["-tp", "2"],
            "the same in dynamo.sglang is --tensor-parallel-size. It is not set here: use `tensor",
        ),
        ("sglang", ["--max-num-seqs", "64"], "dynamo.vllm; the same in dynamo.sglang is --max-running-requests"),
        ("sglang", ["--max-num-seq", "64"], "dynamo.vllm; the same in dynamo.sglang is --max-running-requests"),
        ("sglang", ["--gpu-memory-utilization", "0.9"], "--mem-fraction-static. It is not set here: use `engine.gpu"),
        ("trtllm", ["--tp", "2"], "the same in dynamo.trtllm is --tensor-parallel-size. It is not set here"),
        ("trtllm", ["--max-running-requests", "8"], "the same in dynamo.trtllm is --max-batch-size"),
        ("vllm", ["--max-running-requests", "8"], "the same in dynamo.vllm is --max-num-seqs"),
        ("vllm", ["--mem-fraction-static", "0.9"], "the same in dynamo.vllm is --gpu-memory-utilization"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_flag_of_another_engine_is_answered_with_this_engines_own(name: str, words: list[str], says: str) -> None:
    (error,) = errors(stack(engine={"name": name, "extraArgs": words}))
    assert says in error.message


def test_a_chunk_that_no_gpu_holds_is_not_rounded() -> None:
    messages = [message for _, message in found(["--chunked-prefill-size", "99999999999"])]
    assert any("remove it, for SGLang's own choice" in message for message in messages)
    assert not any("use 1000" in message for message in messages)


def test_the_optimization_shorthand_is_vllms_alone() -> None:
    ((_, message),) = found(["-O3"])
    assert "--optimization-level" not in message


def test_a_kv_lease_is_not_sglangs() -> None:
    warnings = planned(stack(engine={"name": "sglang", "kvLeaseSeconds": 60})).warnings
    assert f"{PATH}.kvLeaseSeconds: has no effect, because SGLang has no such setting" in warnings


def test_groups_of_attention_are_warned_of() -> None:
    sizes = {**MOE_SIZES, "engine": {"name": "sglang", "extraArgs": ["--enable-dp-attention", "--dp-size", "2"]}}
    assert any("counts one group" in warning for warning in planned(stack(MOE, **sizes)).warnings)


def test_an_engine_of_another_spelling_is_named() -> None:
    (error,) = errors(stack(engine={"name": "sgland"}))
    assert error.path == f"{PATH}.name"
    assert "did you mean sglang?" in error.message


SIZES = (1, 2, 4, 8)


def test_grouped_heads_move_between_any_sizes_that_divide_each_other() -> None:
    attention = card("llama-3.3-70b-instruct").attention
    assert not [pair for pair in product(SIZES, SIZES) if kv_split.refusal(attention, prefill=pair[0], decode=pair[1])]
    assert kv_split.refusal(attention, prefill=3, decode=2)


def test_sliding_windows_need_equal_sizes() -> None:
    attention = card(MOE).attention
    taken = {pair for pair in product(SIZES, SIZES) if not kv_split.refusal(attention, prefill=pair[0], decode=pair[1])}
    assert taken == {(size, size) for size in SIZES}
    (error,) = errors(stack(MOE, prefill={"tensorParallel": 2}, decode={"tensorParallel": 4}))
    assert error.path == "models.chat.decode.tensorParallel"
    assert "sliding window between equal sizes only" in error.message


def test_latent_attention_is_free() -> None:
    latent = Latent(kind="mla", heads=128, kv_lora_rank=512, rope_head_dim=64)
    assert not [pair for pair in product(SIZES, SIZES) if kv_split.refusal(latent, prefill=pair[0], decode=pair[1])]


def test_the_size_of_groups_of_attention_counts() -> None:
    """8 GPUs in two groups attend over 4, as an engine of 4 GPUs does: what NIXL's handshake compares."""
    in_groups = RoleShape(role=Role.DECODE, tensor_parallel=8, arguments=("--enable-dp-attention", "--dp-size", "2"))
    prefill = RoleShape(role=Role.PREFILL, tensor_parallel=4)
    assert list(SGLANG.layout_errors(prefill, in_groups, card(MOE))) == []
    assert list(SGLANG.layout_errors(prefill, RoleShape(role=Role.DECODE, tensor_parallel=8), card(MOE)))


@pytest.mark.parametrize(
    ("memory_gib", "reserved_mib"),
    [(24, 512 + 4096 * 1.5 + 160 * 2 + 1024), (80, 512 + 8192 * 1.5 + 512 * 2 + 1024), (180, 512 + 16384 * 1.5 + 2048)],
)
def test_the_share_leaves_what_sglangs_own_formula_reserves(memory_gib: int, reserved_mib: float) -> None:
    """`handle_gpu_memory_settings` of SGLang 0.5.21, by hand."""
    gpus = H200.model_copy(update={"memory_mib": memory_gib * 1024})
    share = SGLANG.share_of(gpus)
    assert reserved_mib <= (1 - share) * gpus.memory_mib < reserved_mib + 0.011 * gpus.memory_mib


@pytest.mark.parametrize(
    ("words", "more_mib"),
    [
        (["--chunked-prefill-size", "16384"], 1.5 * 8192),
        (["--chunked-prefill-size", "-1"], 1.5 * 8192),
        (["--chunked-prefill-size", "-1", "--max-prefill-tokens", "32768"], 1.5 * 24576),
        (["--max-running-requests", "10240"], 1.5 * 2048),
        (["--cuda-graph-max-bs-decode", "8192"], 2 * 7680),
        (["--cuda-graph-bs-decode", "1", "8192", "4096"], 2 * 7680),
        (["--cuda-graph-config", '{"decode":{"max_bs":8192}}'], 2 * 7680),
        (["--cuda-graph-config", '{"decode":{"bs":[1,8192]}}'], 2 * 7680),
        (["--enable-dp-attention", "--dp-size", "2"], 512 * 2 * 4.5),
        (["--chunked-prefill-size", "2048"], 0),
        (["--max-running-requests", "128"], 0),
        (["--max-prefill-tokens", "32768"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_default_share_leaves_what_the_formula_reserves_for_flags(words: list[str], more_mib: float) -> None:
    """`handle_gpu_memory_settings` of SGLang 0.5.21 on an H200, by hand."""
    reserved = 512 + 8192 * 1.5 + 512 * 2 + 1024 + more_mib
    left = (1 - SGLANG.share_of(H200, words)) * H200.memory_mib
    assert reserved <= left < reserved + 0.011 * H200.memory_mib


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["--chunked-prefill-size", "131072"], "--chunked-prefill-size"),
        (["--max-running-requests", "100000"], "--max-running-requests"),
        (["--cuda-graph-max-bs-decode", "131072"], "--cuda-graph-max-bs-decode"),
    ],
)
def test_flags_that_leave_no_memory_are_refused(words: list[str], flag: str) -> None:
    messages = [message for _, message in found(words)]
    assert messages
    assert all(f"GiB of each GPU for {flag}, without them 14.5 GiB" in message for message in messages)


def test_a_larger_chunk_leaves_less_kv_cache_and_lowers_the_share_of_both_roles() -> None:
    settings = {"name": "sglang", "extraArgs": ["--chunked-prefill-size", "32768"]}
    plain, larger = graph(), graph(engine=settings)
    shares = [values(SGLANG.arguments(engine_input(larger, w)))["--mem-fraction-static"] for w in larger.workers]
    assert shares == ["0.64", "0.64"]
    for before, after in zip(plain.workers, larger.workers, strict=True):
        assert before.memory
        assert after.memory
        assert after.memory.kv_tokens < before.memory.kv_tokens


def test_a_share_of_the_stacks_own_that_is_too_large_for_its_flags_is_warned_of() -> None:
    settings = {"name": "sglang", "gpuMemoryUtilization": 0.85, "extraArgs": ["--chunked-prefill-size", "16384"]}
    warnings = [w for w in planned(stack(engine=settings)).warnings if "own formula" in w]
    assert [("set 0.81 or less" in w, w.startswith(f"{PATH}.gpuMemoryUtilization: 0.85")) for w in warnings] == [
        (True, True)
    ]
    assert not [
        w
        for w in planned(stack(engine={"name": "sglang", "gpuMemoryUtilization": 0.95})).warnings
        if "own formula" in w
    ]


def test_a_share_that_the_stack_sets_is_kept() -> None:
    chosen = graph(engine={"name": "sglang", "gpuMemoryUtilization": 0.8})
    assert values(SGLANG.arguments(engine_input(chosen, chosen.workers[0])))["--mem-fraction-static"] == "0.8"


def memory(chosen: Card, size: int, *arguments: str) -> Any:
    return engine_memory(
        SGLANG,
        chosen,
        H200,
        tensor_parallel=size,
        max_model_len=32768,
        kv_cache_dtype=KvCacheDtype.AUTO,
        share=0.9,
        arguments=arguments,
    )


def test_weights_and_kv_cache_share_the_static_part() -> None:
    asked = MemoryInput(
        gpu="H200",
        gpu_bytes=140 * GIB,
        weights=20 * GIB,
        share=0.9,
        tensor_parallel=8,
        max_model_len=32768,
        arguments=(),
    )
    use = SGLANG.memory(card("llama-3.3-70b-instruct"), asked)
    assert use.kv_cache == pytest.approx((140 - 1.5) * GIB * 0.9 - 20 * GIB)
    assert use.kv_cache + use.overhead + asked.weights == pytest.approx(asked.gpu_bytes)


def test_windows_have_a_fixed_share_of_the_pages() -> None:
    """More than the window of 128 tokens: SGLang gives these layers a share of what the others have."""
    chosen = card(MOE)
    a_token = chosen.attention.elements_in_window(chosen.architecture.layers, 4) * 2
    assert memory(chosen, 4).kv_in_windows == pytest.approx(a_token * WINDOW_RATIO * 32768, rel=0.01)
    assert memory(chosen, 4, "--swa-full-tokens-ratio", "0.1").kv_tokens > memory(chosen, 4).kv_tokens


def test_groups_of_attention_hold_more_of_each_token() -> None:
    chosen = card(MOE)
    whole, in_groups = memory(chosen, 8), memory(chosen, 8, "--enable-dp-attention", "--dp-size", "2")
    assert in_groups.kv_tokens < whole.kv_tokens / 2 * 1.01


@pytest.mark.parametrize(
    ("format_", "capability", "use"),
    [
        ("fp8", "8.0", FormatUse.WEIGHT_ONLY),
        ("fp8", "9.0", FormatUse.NATIVE),
        ("fp8", "7.5", FormatUse.REFUSED),
        ("nvfp4", "9.0", FormatUse.WEIGHT_ONLY),
        ("nvfp4", "10.0", FormatUse.NATIVE),
        ("mxfp4", "9.0", FormatUse.WEIGHT_ONLY),
        ("mxfp8", "9.0", FormatUse.REFUSED),
        ("mxfp8", "10.0", FormatUse.NATIVE),
        ("int8", "9.0", FormatUse.NATIVE),
        ("int8", "10.0", FormatUse.REFUSED),
    ],
)
def test_formats(format_: str, capability: str, use: FormatUse) -> None:
    assert SGLANG.format_use(format_, H200.model_copy(update={"compute_capability": capability})) is use


@pytest.mark.parametrize(
    ("mode", "sends", "receives"), [("prefill", True, False), ("decode", False, True), (None, False, False)]
)
def test_a_line_tells_how_it_moves_kv_cache(mode: str | None, sends: bool, receives: bool) -> None:
    words = ("--disaggregation-mode", mode, "--disaggregation-transfer-backend", "nixl") if mode else ("--tp-size", "1")
    connection = SGLANG.connection(words)
    assert connection is not None
    assert (connection.connector, connection.sends, connection.receives) == ("nixl" if mode else None, sends, receives)
