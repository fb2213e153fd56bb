"""Flags that vLLM refuses in combination with each other, or on this model and layout."""

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers
from reading.errors import shown

# A flag and the key of a JSON flag with the same meaning. Given both, vLLM 0.31.0 fails or silently uses the flag
# (`EngineArgs.create_engine_config`).
_SAME = (
    ("--attention-backend", "--attention-config", "backend"),
    ("--cudagraph-capture-sizes", "--compilation-config", "cudagraph_capture_sizes"),
    ("--max-cudagraph-capture-size", "--compilation-config", "max_cudagraph_capture_size"),
    ("--enable-flashinfer-autotune", "--kernel-config", "enable_flashinfer_autotune"),
    ("--linear-backend", "--kernel-config", "linear_backend"),
    ("--moe-backend", "--kernel-config", "moe_backend"),
    ("--reasoning-parser", "--reasoning-config", "reasoning_parser"),
    ("--reasoning-parser", "--structured-outputs-config", "reasoning_parser"),
)


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    for flag, config, key in _SAME:
        if flag in given and key in given.keys(config):
            yield given.error(config, f"{key} repeats {given.spelling(flag)}; give one of the two")
    if given.on("--enable-log-requests"):
        yield given.error(
            "--enable-log-requests",
            "writes prompts into the worker's log, where a client could forge the lines that verification "
            "reads; remove it",
        )
    manager = "--disable-hybrid-kv-cache-manager"
    if given.on(manager) and workers.disaggregated and workers.card.attention.kind == "linear":
        yield given.error(manager, f"{workers.card.name} has layers with a linear state, which NIXL moves only with it")
    yield from _structured_outputs(given)
    yield from _context_parallelism(given, workers)
    yield from _experts(given, workers)
    yield from _graphs(given)
    if given.keys("--model-loader-extra-config").get("enable_multithread_load") and given.text(
        "--safetensors-load-strategy"
    ) not in (None, "lazy"):
        yield given.error(
            "--safetensors-load-strategy", "is refused together with enable_multithread_load; use lazy, or remove one"
        )


def _structured_outputs(given: Given) -> Iterator[ArgumentError]:
    """Rules of `StructuredOutputsConfig._validate_structured_output_config`, vLLM 0.31.0."""
    name = "--structured-outputs-config"
    config = given.keys(name)
    backend = config.get("backend", "auto")
    for key, backends in (
        ("disable_any_whitespace", ("xgrammar", "guidance")),
        ("disable_additional_properties", ("guidance",)),
    ):
        if config.get(key) and backend not in backends:
            yield given.error(
                name,
                f"{key} needs backend {' or '.join(backends)}, and backend is {backend}"
                f"{'' if 'backend' in config else ' by default'}; add it, or remove {key}",
            )


def _context_parallelism(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    """Rules of `ModelConfig.verify_with_parallel_config` and `VllmConfig.__post_init__` (NIXL), vLLM 0.31.0."""
    name = "--decode-context-parallel-size"
    size, kv_heads, largest = given.number(name), workers.card.attention.kv_heads, max(workers.tensor_parallel)
    if size and size > 1:
        if largest <= kv_heads:
            why = f"tensorParallel must be more than the {kv_heads} KV heads of the model for it, and is {largest}"
        elif workers.disaggregated and workers.card.attention.kind != "mla":
            why = "NIXL moves a KV cache split this way for multi-head latent attention only"
        else:
            why = "the router counts blocks of another size then, and no longer knows where a prefix is"
        yield given.error(name, f"{size} is not possible: {why}; remove it")
        return
    for other in (
        "--cp-kv-cache-interleave-size",
        "--dcp-kv-cache-interleave-size",
        "--dcp-comm-backend",
        "--dcp-q-replicate",
    ):
        if other in given:
            yield given.error(other, f"has no effect without {name}, which no layout here can have; remove it")


def _experts(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    """Rules of `ModelConfig._verify_with_expert_parallelism` and `VllmConfig._verify_aux_output_compatibility`,
    vLLM 0.31.0."""
    no_experts = workers.no_experts
    for name in ("--enable-expert-parallel", "--enable-ep-weight-filter"):
        if given.on(name) and no_experts:
            yield given.error(name, no_experts)
    routed = "--enable-return-routed-experts"
    if given.on(routed) and workers.disaggregated:
        yield given.error(
            routed, "vLLM refuses it together with a KV connector; remove it, or use an aggregated layout"
        )
    elif given.on(routed) and no_experts:
        yield given.error(routed, no_experts)
    if no_experts:
        return
    for name in ("--enable-ep-weight-filter", "--expert-placement-strategy"):
        if (given.on(name) or given.text(name)) and not given.on("--enable-expert-parallel"):
            yield given.error(name, "has no effect without --enable-expert-parallel; add it, or remove this")


def _graphs(given: Given) -> Iterator[ArgumentError]:
    """Rules of `VllmConfig._set_cudagraph_sizes` and `CompilationConfig.post_init_cudagraph_sizes`, vLLM 0.31.0."""
    config = given.keys("--compilation-config")
    compiled: list[Any] = config.get("compile_sizes") or []
    for size in compiled:
        if size != "cudagraph_capture_sizes" and (type(size) is not int or size < 1):
            yield given.error(
                "--compilation-config",
                f"compile_sizes: got {shown(size)}; sizes are whole numbers of at least 1, or the word "
                "cudagraph_capture_sizes, which stands for those",
            )
    if config.get("cudagraph_capture_sizes") == []:
        yield given.error(
            "--compilation-config",
            "cudagraph_capture_sizes: an empty list captures no CUDA graph, which vLLM refuses; name a size, or "
            "remove it",
        )
    yield from _graph_sizes(given, config)


def _graph_sizes(given: Given, config: Mapping[str, Any]) -> Iterator[ArgumentError]:
    """Errors of the list of graph sizes and of the largest size, each from its flag or from the JSON flag's key."""
    flag, listed = "--cudagraph-capture-sizes", config.get("cudagraph_capture_sizes", [])
    sizes = [int(size) for size in given.texts(flag)] or [size for size in listed if type(size) is int]
    where = flag if flag in given else "--compilation-config"
    if len(sizes) != len(given.texts(flag) or listed) or any(size < 1 for size in sizes):
        yield given.error(where, "sizes of CUDA graphs are whole numbers of at least 1")
        return
    high, where = given.number("--max-cudagraph-capture-size"), "--max-cudagraph-capture-size"
    if high is None:
        high, where = config.get("max_cudagraph_capture_size"), "--compilation-config"
    if type(high) is not int:
        return
    if high < 1:
        yield given.error(where, f"{high} captures no CUDA graph; use at least 1, or --enforce-eager")
    elif sizes and high != max(sizes):
        yield given.error(
            where, f"the largest CUDA graph is {high} here and {max(sizes)} in the list of sizes; remove it"
        )
