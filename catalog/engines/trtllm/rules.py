"""Extra arguments that Dynamo's parser accepts but TensorRT-LLM refuses at start, or that do harm."""

from collections.abc import Iterator, Mapping

from catalog.contracts import Compared
from catalog.engines.trtllm import kernels, keys
from catalog.engines.trtllm.kernels import ATTENTION
from catalog.engines.trtllm.memory import DEFAULT_SEQUENCES, DEFAULT_TOKENS
from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers

_EXPERTS, _ATTENTION_DP = "--expert-parallel-size", "--enable-attention-dp"
_SKIP_CORRECTION = "--trtllm.enable_mla_skip_correction"
_GRAPHS, _COMPILE = "--trtllm.cuda_graph_config", "--trtllm.torch_compile_config"
_TIMEOUT, _RUNTIME = (
    "--trtllm.cache_transceiver_config.kv_transfer_timeout_ms",
    "--trtllm.cache_transceiver_config.transceiver_runtime",
)
# Values of the transfer's runtime that leave the choice to TensorRT-LLM.
_OWN_CHOICE = (None, "auto", "none", "null")


def owned(workers: Workers) -> Mapping[str, str]:
    """Flag → why a stack may not set it for workers of this card or layout."""
    card = workers.card
    found: dict[str, str] = {}
    if why := workers.no_experts:
        found |= dict.fromkeys((_EXPERTS, *_below("moe_config")), why)
    if card.attention.kind != "mla":
        found[_ATTENTION_DP] = (
            f"each GPU would keep whole KV heads of its own requests, which the plan counts only for multi-head latent "
            f"attention, and {card.name} has none; use `replicas` of a role"
        )
    if not workers.disaggregated:
        why = "no KV cache moves in an aggregated layout; remove it"
        found |= dict.fromkeys(_below("cache_transceiver_config"), why)
    return found


def _below(group: str) -> tuple[str, ...]:
    return tuple(name for name in keys.flags() if name.startswith(f"{keys.PREFIX}{group}"))


def compared(given: Given) -> Mapping[str, Compared]:
    """By flag: what must be equal on both roles. The default backend is the same on every GPU. Whether roles with
    different ones could move KV cache is unverified."""
    runtime = given.text(_RUNTIME)
    return {
        ATTENTION: Compared(value=given.text(ATTENTION) or "TRTLLM"),
        _RUNTIME: Compared(value="TensorRT-LLM's own choice" if runtime in _OWN_CHOICE else str(runtime)),
    }


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    yield from _parallelism(given, workers)
    yield from _objects(given)
    yield from _batch(given)
    yield from kernels.errors(given, workers)
    if workers.card.attention.sinks and given.text(ATTENTION) not in (None, "TRTLLM"):
        yield given.error(ATTENTION, f"{workers.card.name} needs attention sinks, which TRTLLM alone is known to have")
    if given.text(_SKIP_CORRECTION) == "true" and given.text(ATTENTION) not in (None, "TRTLLM"):
        yield given.error(_SKIP_CORRECTION, f"needs {ATTENTION} TRTLLM; remove one of them")
    if given.text(_TIMEOUT) in ("none", "null") and given.text(_RUNTIME) == "PYTHON":
        yield given.error(_TIMEOUT, "the PYTHON runtime needs a timeout; remove it, or set milliseconds")


def _parallelism(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    """Expert parallelism that does not divide an engine's GPUs, and settings that need attention data parallelism."""
    experts = given.number(_EXPERTS)
    if experts and experts > 0 and (uneven := [size for size in workers.tensor_parallel if size % experts]):
        sizes = [n for n in range(1, min(uneven) + 1) if all(size % n == 0 for size in workers.tensor_parallel)]
        yield given.error(
            _EXPERTS,
            f"{experts} does not divide the {min(uneven)} GPUs of an engine, its tensorParallel; use "
            f"{' or '.join(map(str, sizes))}",
        )
    if not given.on(_ATTENTION_DP):
        for name in given.names():
            if name.startswith("--trtllm.attention_dp_config.") or name == "--trtllm.enable_lm_head_tp_in_adp":
                yield given.error(name, f"has no effect without {_ATTENTION_DP}; remove it, or set both")


def _objects(given: Given) -> Iterator[ArgumentError]:
    """Objects that are set to none although one of their keys is set."""
    for group in (_GRAPHS, _COMPILE):
        below = [name for name in given.names() if name.startswith(f"{group}.")]
        if group in given and below:
            yield given.error(group, f"is none, which contradicts {', '.join(below)}; remove one of them")


def _batch(given: Given) -> Iterator[ArgumentError]:
    """A batch that holds fewer tokens than sequences, each of which needs one in every step."""
    size, tokens, graph = "--max-batch-size", "--max-num-tokens", f"{_GRAPHS}.max_batch_size"
    sequences, room = given.number(size), given.number(tokens) or DEFAULT_TOKENS
    if sequences and sequences > room:
        yield given.error(
            size,
            f"{sequences} sequences need as many tokens in a batch, and {tokens} is {room}"
            f"{'' if tokens in given else ' by default'}; use at most {room}, or {tokens} {sequences}",
        )
    recorded, limit = given.number(graph), sequences or DEFAULT_SEQUENCES
    if recorded and recorded > limit:
        yield given.error(
            graph,
            f"{recorded} is more than {size}, {limit}{'' if size in given else ' by default'}, and no batch is larger; "
            f"use at most {limit}",
        )
