"""Flags that Dynamo or SGLang refuses together, and pairs of flags that must agree."""

from collections.abc import Iterator

from catalog.engines.sglang import buckets, kernels, parallel
from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers
from reading.errors import one_of

_DYNAMO_REASONING, _REASONING = "--dyn-reasoning-parser", "--reasoning-parser"
# Reasoning parsers with different names: Dynamo's → SGLang's.
_OTHER_NAMES = {
    "deepseek_r1": "deepseek-r1",
    "deepseek_v3": "deepseek-v3",
    "deepseek_v3_1": "deepseek-v3",
    "deepseek_v3_2": "deepseek-v3",
    "deepseek_v4": "deepseek-v4",
    "deepseekv4": "deepseek-v4",
    "deepseek_v41": "deepseek-v41",
    "gemma-4": "gemma4",
    "glm47": "glm45",
    "gpt_oss": "gpt-oss",
    "granite": "granite_thinking_parser",
    "kimi-k3": "kimi_k3",
    "kimi_k25": "kimi_k2",
    "minimax_append_think": "minimax-append-think",
    "minimax_m2": "minimax",
    "minimax_m3": "minimax-m3",
    "nemotron3": "nemotron_3",
    "nemotron_v3": "nemotron_3",
}
# A flag, and the flag without which it has no effect.
_NEEDS = (
    ("--torch-compile-max-bs", "--enable-torch-compile"),
    ("--weight-loader-prefetch-num-threads", "--weight-loader-prefetch-checkpoints"),
)
# Attention kernels of NVIDIA GPUs in DETERMINISTIC_ATTENTION_BACKEND_CHOICES of sglang/srt/arg_groups/choices.py.
_DETERMINISTIC = ("fa3", "flashinfer", "triton")
_LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
# Pairs of flags that SGLang 0.5.21 refuses together when it starts, with the reason.
_EXCLUDE = (
    ("--disable-cuda-graph-padding", "--enable-torch-compile", "each batch size would be compiled by itself"),
    ("--enable-flashinfer-allreduce-fusion", "--enforce-disable-flashinfer-allreduce-fusion", "one undoes the other"),
    ("--disable-shared-experts-fusion", "--enforce-shared-experts-fusion", "one undoes the other"),
)


def owned(workers: Workers) -> dict[str, str]:
    """Flag → why a stack may not set it for these workers; reasons that depend on the card."""
    if workers.card.attention.kind == "hybrid":
        return {}
    return {"--swa-full-tokens-ratio": f"{workers.card.name} has no layers with a sliding window; remove it"}


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    yield from _parsers(given)
    yield from parallel.chunk_errors(given, workers.block_size)
    yield from _scheduling(given)
    for name, needed in _NEEDS:
        if name in given and not given.on(needed):
            yield given.error(name, f"has no effect without {needed}; add it, or remove this")
    for name, other, why in _EXCLUDE:
        if given.on(name) and given.on(other):
            yield given.error(name, f"cannot be combined with {other}: {why}; remove one of them")
    yield from buckets.errors(given)
    yield from _deterministic(given, workers)
    if (count := len(given.texts("--gc-threshold"))) > 3:
        yield given.error("--gc-threshold", f"got {count} numbers; Python's garbage collector has 3 generations")
    level = given.text("--log-level")
    if level is not None and level.lower() not in _LOG_LEVELS:
        yield given.error("--log-level", one_of(level, _LOG_LEVELS))
    ratio = given.text("--swa-full-tokens-ratio")
    if ratio is not None and not 0 < float(ratio) <= 1:
        yield given.error("--swa-full-tokens-ratio", f"got {ratio}; must be more than 0 and at most 1")


def _deterministic(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    """`_deterministic_attention_backend`, SGLang 0.5.21. SGLang chooses trtllm_mha itself for gpt-oss on generation 10
    before this check."""
    backend = given.text("--attention-backend")
    if not given.on("--enable-deterministic-inference") or backend in _DETERMINISTIC:
        return
    others = "; use " + " or ".join(name for name in _DETERMINISTIC if name in kernels.attention(workers))
    if backend is not None:
        yield given.error("--attention-backend", f"{backend} does not compute deterministically{others}")
    elif workers.card.attention.sinks and any(gpu.generation == "10" for gpu in workers.gpus):
        yield given.error(
            "--enable-deterministic-inference",
            "needs --attention-backend triton here, because SGLang's own choice does not compute deterministically",
        )


def _parsers(given: Given) -> Iterator[ArgumentError]:
    """Dynamo's and SGLang's parsers: for tool calls at most one may be set, for reasoning both or neither."""
    if "--tool-call-parser" in given and "--dyn-tool-call-parser" in given:
        yield given.error(
            "--tool-call-parser", "Dynamo refuses it with --dyn-tool-call-parser; remove --tool-call-parser"
        )
    theirs, own = given.text(_DYNAMO_REASONING), given.text(_REASONING)
    if theirs is not None and own is None:
        names = _sglang_names(given, theirs)
        yield given.error(
            _DYNAMO_REASONING,
            f"also needs SGLang's own parser, so that grammars do not constrain the reasoning; add {_REASONING} "
            f"{'|'.join(names)}",
        )
    elif own is not None and theirs is None:
        known = [name for name in given.table.flags[_DYNAMO_REASONING].choices if _sglang_names(given, name) == (own,)]
        yield given.error(
            _REASONING,
            "also needs Dynamo's parser, which separates reasoning from the answer; add "
            f"{_DYNAMO_REASONING}{f' {known[0]}' if known else ''}",
        )
    elif own is not None and theirs is not None and not own.startswith(tuple(_sglang_names(given, theirs))):
        yield given.error(
            _REASONING, f"{own} is not {theirs} of {_DYNAMO_REASONING}; use {_sglang_names(given, theirs)[0]}"
        )


def _sglang_names(given: Given, dynamo: str) -> tuple[str, ...]:
    """SGLang's name of one of Dynamo's reasoning parsers; all of SGLang's names if no counterpart is known."""
    names = tuple(given.table.flags[_REASONING].choices)
    found = _OTHER_NAMES.get(dynamo, dynamo)
    return (found,) if found in names else names


def _scheduling(given: Given) -> Iterator[ArgumentError]:
    """Policies that need priority scheduling: `check_server_args`, SGLang 0.5.21."""
    for name, other in (("--schedule-policy", "fcfs"), ("--retraction-policy", "length")):
        if given.text(name) == "priority":
            yield given.error(
                name, f"priority needs --enable-priority-scheduling, which stacks may not set; use {other}"
            )
