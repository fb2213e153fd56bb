"""The command lines that the checker and the runtime's own parsers are both shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from catalog import flags
from catalog.engines import all_engines, flag_tables
from catalog.models import card_names
from manifests.graph import build
from tests.stacks import layouts, planned

Line = tuple[str, tuple[str, ...]]
"""A module and its arguments."""

TABLES = {table.module: table for table in flag_tables()}


def errors(line: Line) -> list[flags.ArgumentError]:
    """The errors of a line, judged beside all modules that this program starts."""
    module, argv = line
    return flags.errors(TABLES[module], argv, others=TABLES.values())


EVERY_LAYOUT = [(name, layout) for name in card_names() for layout in layouts(name)]
EXTRA_ARGS = {
    "dynamo.vllm": ["--max-num-seqs", "64", "--max-num-batched-tokens=8k", "--no-enable-log-requests"],
    "dynamo.mocker": ["--speedup-ratio", "10", "--max-num-seqs=64"],
    "dynamo.sglang": ["--max-running-requests", "64", "--chunked-prefill-size=4096", "--disable-overlap-schedule"],
    "dynamo.trtllm": ["--max-batch-size", "64", "--trtllm.stream_interval=4", "--trtllm.cuda_graph_config", "none"],
}


def rendered(model: str, layout: str, **engine_settings: object) -> dict[str, Line]:
    """The command line of each component of a graph, by the component's name."""
    plan = planned({"models.chat": {"model": model, "layout": layout, "engine": engine_settings}})
    (graph,) = plan.graphs
    modules = {worker.role.value: graph.runs.module for worker in graph.workers}
    lines: dict[str, Line] = {}
    for component in build(graph, plan.labels).spec.components:
        (main,) = component.pod_template.spec.containers
        lines[component.name] = (modules.get(component.name, "dynamo.frontend"), main.args)
    return lines


def every_rendered() -> list[tuple[str, Line]]:
    """Every card × layout × engine, plain and with all that `engine` can set; with a name for each line."""
    found: list[tuple[str, Line]] = []
    for engine, (model, layout) in product(all_engines().values(), EVERY_LAYOUT):
        if engine.simulated is not (layout == "simulated"):
            continue
        lease = {"kvLeaseSeconds": 90} if engine.kv_lease else {}
        for kind, settings in {
            "plain": {},
            "set": {"kvCacheDtype": "fp8", **lease, "extraArgs": EXTRA_ARGS[engine.module]},
        }.items():
            lines = rendered(model, layout, name=engine.name, **settings)
            found += [(f"{engine.name} {model} {layout} {name} {kind}", line) for name, line in lines.items()]
    return found


@dataclass(frozen=True)
class Bad:
    """Arguments with one mistake. `at` is the word with the error, counted from 0 after the module's own beginning."""

    name: str
    module: str
    args: tuple[str, ...]
    at: int
    says: str

    @property
    def line(self) -> Line:
        return self.module, (*BEGINNING[self.module], *self.args)


# What a module cannot do without.
BEGINNING = {
    "dynamo.vllm": ("--model", "meta-llama/Llama-3.3-70B-Instruct"),
    "dynamo.mocker": ("--model-path", "meta-llama/Llama-3.3-70B-Instruct"),
    "dynamo.sglang": ("--model-path", "meta-llama/Llama-3.3-70B-Instruct"),
    "dynamo.trtllm": ("--model", "meta-llama/Llama-3.3-70B-Instruct"),
    "dynamo.frontend": (),
}

_KV = "--kv-transfer-config"
# The checker and the runtime's parsers refuse these.
REFUSED_BY_BOTH = [
    Bad("unknown flag", "dynamo.vllm", ("--max-num-sequences", "64"), 0, "did you mean --max-num-seqs?"),
    Bad("no value", "dynamo.vllm", ("--max-num-seqs",), 0, "needs a whole number"),
    Bad("no value before a flag", "dynamo.vllm", ("--dtype", "--enforce-eager"), 0, "needs a value, one of auto,"),
    Bad("no object", "dynamo.vllm", (_KV,), 0, "needs a JSON object"),
    Bad("text for a whole number", "dynamo.vllm", ("--max-num-seqs", "many"), 1, 'got "many"; must be a whole number'),
    Bad("fraction for a whole number", "dynamo.vllm", ("--max-num-seqs", "1.5"), 1, "must be a whole number"),
    Bad("text for a number", "dynamo.vllm", ("--cpu-offload-gb", "some"), 1, "must be a number"),
    Bad("unknown suffix", "dynamo.vllm", ("--max-num-batched-tokens", "8x"), 1, "such as 8192 or 8k"),
    Bad("outside the choices", "dynamo.vllm", ("--dtype=bf16",), 0, "did you mean bfloat16?"),
    Bad("second value", "dynamo.vllm", ("--seed", "1", "2"), 2, "--seed takes one value"),
    Bad("value of a switch", "dynamo.vllm", ("--enforce-eager", "true"), 1, "give --no-enforce-eager"),
    Bad("value in a switch", "dynamo.vllm", ("--enforce-eager=true",), 0, "--enforce-eager takes no value"),
    Bad("two words in one", "dynamo.vllm", ("--max-num-seqs 64",), 0, 'give two, "--max-num-seqs" and "64"'),
    Bad("no negative form", "dynamo.vllm", ("--no-disable-log-stats",), 0, "is not a flag of dynamo.vllm"),
    Bad("removed flag", "dynamo.vllm", ("--is-prefill-worker",), 0, "use --disaggregation-mode prefill"),
    Bad("connector flag", "dynamo.vllm", ("--connector", "nixl"), 0, "use --kv-transfer-config"),
    Bad("flag of `vllm serve`", "dynamo.vllm", ("--api-key", "x"), 0, "is not a flag of dynamo.vllm"),
    Bad("port of `vllm serve`", "dynamo.vllm", ("--port", "8000"), 0, "is not a flag of dynamo.vllm"),
    Bad("flag of the mocker", "dynamo.vllm", ("--speedup-ratio", "2"), 0, "but of dynamo.mocker"),
    Bad("not JSON", "dynamo.vllm", (_KV, "{kv_connector: NixlConnector}"), 1, "is not JSON"),
    Bad("no JSON object", "dynamo.vllm", (_KV, '["NixlConnector"]'), 1, "must be a JSON object"),
    Bad("unknown key", "dynamo.vllm", (_KV, '{"kv_conector": "NixlConnector"}'), 1, "did you mean kv_connector?"),
    Bad("key of a wrong type", "dynamo.vllm", (_KV, '{"kv_port": "first"}'), 1, "kv_port: got"),
    Bad("no role", "dynamo.vllm", (_KV, '{"kv_connector": "NixlConnector"}'), 1, "kv_connector needs kv_role"),
    Bad("unknown role", "dynamo.vllm", (_KV, '{"kv_role": "producer"}'), 1, "did you mean kv_producer?"),
    Bad("null", "dynamo.vllm", (_KV, '{"kv_load_failure_policy": null}'), 1, "must not be null"),
    Bad("unknown publisher", "dynamo.vllm", ("--kv-events-config", '{"publisher": "nats"}'), 1, "one of null, zmq"),
    Bad("unknown flag of the mocker", "dynamo.mocker", ("--enforce-eager",), 0, "but of dynamo.vllm"),
    Bad("mocker's choices", "dynamo.mocker", ("--kv-cache-dtype", "int8"), 1, "is not one of auto,"),
    Bad("mocker's number", "dynamo.mocker", ("--speedup-ratio", "fast"), 1, "must be a number"),
    Bad("router mode", "dynamo.frontend", ("--router-mode", "kv-aware"), 1, '"kv-aware" is not one of'),
    Bad("frontend's whole number", "dynamo.frontend", ("--migration-limit", "no"), 1, "must be a whole number"),
    Bad("flag of vLLM", "dynamo.sglang", ("--max-num-seqs", "64"), 0, "but of dynamo.mocker and dynamo.vllm"),
    Bad("ambiguous", "dynamo.sglang", ("--cuda-graph-max-bs", "64"), 0, "use --cuda-graph-max-bs-decode"),
    Bad("SGLang's choices", "dynamo.sglang", ("--kv-cache-dtype", "fp8"), 1, "is not one of auto,"),
    Bad("Dynamo's name of a parser", "dynamo.sglang", ("--reasoning-parser", "gpt_oss"), 1, "did you mean gpt-oss?"),
    Bad("no two words", "dynamo.trtllm", ("--trtllm.print_iter_log",), 0, "needs a value, one of true, false"),
    Bad("key without a group", "dynamo.trtllm", ("--kv_cache_config.dtype", "fp8"), 0, "is not a flag of"),
    Bad("TensorRT-LLM's number", "dynamo.trtllm", ("--max-batch-size", "many"), 1, "must be a whole number"),
    Bad("vLLM's flag", "dynamo.trtllm", ("--max-num-seqs", "4"), 0, "is not a flag of dynamo.trtllm"),
    Bad("worker's block size", "dynamo.frontend", ("--block-size", "64"), 0, "is not a flag of dynamo.frontend"),
]  # fmt: skip

# The runtime takes these, or finds the mistake when the engine starts; the checker refuses them all the same.
REFUSED_BY_CHECKER = [
    Bad("abbreviation", "dynamo.vllm", ("--max-num-seq", "64"), 0, "did you mean --max-num-seqs?"),
    Bad("SGLang's short --tp", "dynamo.sglang", ("--tp", "4"), 0, "did you mean --tp-size?"),
    Bad("SGLang's short --dp", "dynamo.sglang", ("--dp", "4"), 0, "did you mean --dp-size?"),
    Bad("cut off", "dynamo.sglang", ("--disaggregation-transfer", "nixl"), 0,
        "did you mean --disaggregation-transfer-backend?"),
    Bad("SGLang's suffix", "dynamo.sglang", ("--max-prefill-tokens", "16k"), 1, "must be a whole number"),
    Bad("deprecated by SGLang", "dynamo.sglang", ("--disable-cuda-graph",), 0, "--cuda-graph-backend-decode disabled"),
    Bad("underscores", "dynamo.vllm", ("--max_num_seqs", "64"), 0, "did you mean --max-num-seqs?"),
    Bad("one key of an object", "dynamo.vllm", ("--compilation-config.mode", "3"), 0, "the whole object as JSON"),
    Bad("given twice", "dynamo.vllm", ("--seed", "1", "--seed", "2"), 2, "--seed is given twice"),
    Bad("given twice by another name", "dynamo.vllm", ("--tensor-parallel-size", "2", "-tp", "4"), 2, "same flag as"),
    Bad("on and off", "dynamo.vllm", ("--enforce-eager", "--no-enforce-eager"), 1, "the same flag as --enforce-eager"),
    Bad("unknown connector", "dynamo.vllm", (_KV, '{"kv_connector": "NixlConector", "kv_role": "kv_both"}'), 1,
        "did you mean NixlConnector?"),
    Bad("suffix within JSON", "dynamo.vllm", (_KV, '{"kv_buffer_size": 1g}'), 1, "is not JSON"),
    Bad("other spelling of a choice", "dynamo.vllm", ("--moe-backend", "deep-gemm"), 1, "did you mean deep_gemm?"),
    Bad("deprecated", "dynamo.vllm", ("--router-temperature", "1"), 0, "in --router-policy-config"),
    Bad("old name", "dynamo.vllm", ("--no-kv-events",), 0, "use --router-kv-events"),
    Bad("deprecated by the mocker", "dynamo.mocker", ("--is-decode-worker",), 0, "use --disaggregation-mode decode"),
    Bad("without effect", "dynamo.frontend", ("--enforce-disagg",), 0, "remove it"),
    Bad("key with a typo", "dynamo.trtllm", ("--trtllm.print_iter_lgo", "true"), 0,
        "did you mean --trtllm.print_iter_log?"),
    Bad("key of another type", "dynamo.trtllm", ("--trtllm.print_iter_log", "1"), 1, "is not one of true, false"),
    Bad("list", "dynamo.trtllm", ("--trtllm.stream_interval", "[1]"), 1, "must be a whole number"),
    Bad("both in one flag", "dynamo.trtllm", ("--publish-events-and-metrics",), 0, "this program publishes both"),
    Bad("removed from the frontend", "dynamo.frontend", ("--admission-control", "none"), 0,
        "use --active-decode-blocks-threshold"),
]  # fmt: skip

GOOD: list[Line] = (
    [
        ("dynamo.vllm", (*BEGINNING["dynamo.vllm"], *args))
        for args in (
            ("--enforce-eager", "--max-num-batched-tokens", "8k", "--seed", "-1"),
            ("--cudagraph-capture-sizes", "1", "2", "4", "--no-enable-chunked-prefill"),
            ("--max-num-queued-reqs", "None", "--dyn-tool-call-parser", "llama3_json"),
            ("--compilation-config", '{"cudagraph_capture_sizes": [1, 2], "mode": 3}'),
            (_KV, '{"kv_connector": "Mine", "kv_connector_module_path": "mine.connector", "kv_role": "kv_both"}'),
            ("--speculative-config", '{"method": "ngram", "num_speculative_tokens": 3}'),
        )
    ]
    + [
        ("dynamo.sglang", (*BEGINNING["dynamo.sglang"], *args))
        for args in (
            ("--ep", "4", "--enable-dp-attention", "--dp-size", "2"),
            ("--cuda-graph-bs-decode", "1", "2", "4", "--attention-backend", "fa3"),
            ("--dyn-reasoning-parser", "deepseek_r1", "--reasoning-parser", "deepseek-r1"),
        )
    ]
    + [
        ("dynamo.frontend", ("--frontend-route-extension", "a:b", "--frontend-route-extension", "c:d")),
        ("dynamo.mocker", (*BEGINNING["dynamo.mocker"], "--no-enable-prefix-caching", "--startup-time", "1.5")),
    ]
)


_RIGHT = {"integer": "1", "number": "0.5", "size": "8k", "sizeOrAuto": "auto", "object": "{}"}
_WRONG = {"integer": "x", "number": "x", "size": "x", "sizeOrAuto": "x", "object": "{"}


def every_flag() -> Iterator[tuple[str, Line, Line]]:
    """Each spelling of each flag whose value has a form: its name, a line with a right value, one with a wrong one.

    Deprecated flags are left out, and those of a module's beginning, which would be given twice. So are keys of an
    engine's own arguments, which its module passes on unread.
    """
    for module, table in TABLES.items():
        for name, flag in table.flags.items():
            if flag.deprecated is not None or "." in name or name in table.removed or name in BEGINNING[module]:
                continue
            for spelling in (name, *flag.aliases, *flag.negative):
                if flag.type == "switch":
                    right, wrong = (spelling,), (f"{spelling}=x",)
                elif flag.choices:
                    right, wrong = (spelling, flag.choices[0]), (spelling, "no-such-choice")
                elif flag.type in _RIGHT:
                    right, wrong = (spelling, _RIGHT[flag.type]), (spelling, _WRONG[flag.type])
                else:
                    continue
                yield f"{module} {spelling}", (module, BEGINNING[module] + right), (module, BEGINNING[module] + wrong)
