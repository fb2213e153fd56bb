"""The batch that an engine schedules: the stack's flags, and vLLM's defaults for the rest."""

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers
from catalog.sizing import GIB, MIB, VERIFICATION_TOKENS


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The largest batch of one step of an engine."""

    tokens: int
    seqs: int


def default_batch(gpu: str, gpu_bytes: int) -> Batch:
    """vLLM's default on a GPU of that name and memory: `EngineArgs.get_batch_defaults`, vLLM 0.31.0."""
    if gpu_bytes >= 160 * GIB:
        return Batch(tokens=16384, seqs=1024)
    if gpu_bytes >= 70 * GIB and "a100" not in gpu.lower():
        return Batch(tokens=8192, seqs=1024)
    return Batch(tokens=2048, seqs=256)


def batch(given: Given, max_model_len: int, default: Batch) -> Batch:
    """The largest batch of an engine with these extra arguments; `default` is vLLM's default on the GPU.

    Same rules as `EngineArgs._set_default_max_num_seqs_and_batched_tokens_args` of vLLM 0.31.0.
    """
    times = 2 if given.text("--performance-mode") == "throughput" else 1
    tokens, seqs = given.number("--max-num-batched-tokens"), given.number("--max-num-seqs")
    filled_seqs = seqs or default.seqs * times
    if tokens is None:
        tokens = default.tokens * times
        if given.off("--enable-chunked-prefill"):
            tokens = max(tokens, max_model_len)
        tokens = min(tokens, filled_seqs * max_model_len)
    return Batch(tokens=tokens, seqs=seqs or min(filled_seqs, tokens))


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    """Batch flags that vLLM refuses at start on one of the workers' GPUs."""
    for default in {default_batch(gpu.product, gpu.memory_mib * MIB) for gpu in workers.gpus}:
        yield from _errors(given, workers, batch(given, workers.max_model_len, default))


def _errors(given: Given, workers: Workers, now: Batch) -> Iterator[ArgumentError]:
    """Rules of `SchedulerConfig.verify_max_model_len` and the methods around it, vLLM 0.31.0."""
    length = workers.max_model_len
    tokens, seqs, chunked = "--max-num-batched-tokens", "--max-num-seqs", "--enable-chunked-prefill"
    if given.off(chunked) and now.tokens < length:
        yield given.error(
            tokens,
            f"{now.tokens} is less than engine.maxModelLen, {length}, which {given.spelling(chunked)} needs in one "
            f"batch; use at least {length}, or remove {given.spelling(chunked)}",
        )
    if now.tokens < now.seqs:
        yield given.error(
            seqs,
            f"{now.seqs} sequences need as many tokens in a batch, and {tokens} is {now.tokens}"
            f"{'' if tokens in given else ' by default'}; use at most {now.tokens}, or {tokens} {now.seqs}",
        )
    active = given.number("--max-num-active-seqs")
    if active and active > now.seqs:
        yield given.error(
            "--max-num-active-seqs",
            f"{active} is more than {seqs}, {now.seqs}{'' if seqs in given else ' by default'}; use at most {now.seqs}",
        )
    threshold = given.number("--long-prefill-token-threshold")
    if threshold and threshold > length:
        yield given.error(
            "--long-prefill-token-threshold",
            f"{threshold} is more than engine.maxModelLen, {length}; use at most {length}",
        )
    yield from _too_low_limits(given, now)
    yield from _sharded_sampling(given, workers, now)


def _too_low_limits(given: Given, now: Batch) -> Iterator[ArgumentError]:
    """Errors of limits so low that the engine accepts no request, or none as long as the verification's."""
    for name in ("--max-num-scheduled-tokens", "--max-num-queued-reqs", "--max-num-queued-tokens"):
        if given.number(name) == 0:
            yield given.error(name, "0 admits no request; use at least 1, or remove it")
    queued = given.number("--max-num-queued-tokens")
    if queued and queued < VERIFICATION_TOKENS:
        yield given.error(
            "--max-num-queued-tokens",
            f"{queued} is less than one request of this program's own verification; use at least "
            f"{VERIFICATION_TOKENS}, or remove it",
        )
    scheduled = given.number("--max-num-scheduled-tokens")
    if scheduled and scheduled > now.tokens:
        yield given.error(
            "--max-num-scheduled-tokens",
            f"{scheduled} is more than a batch holds, {now.tokens} by --max-num-batched-tokens; use at most "
            f"{now.tokens}, or remove it",
        )
    limit = given.number("--engine-request-limit")
    if limit is not None and limit < 1:
        yield given.error("--engine-request-limit", f"{limit} admits no request; use at least 1, or remove it")


def _sharded_sampling(given: Given, workers: Workers, now: Batch) -> Iterator[ArgumentError]:
    """Rules of `VllmConfig._validate_batch_sharded_sampling`, vLLM 0.31.0. Ngram runs on the older model runner."""
    name = "--enable-batch-sharded-sampling"
    if not given.on(name):
        return
    smallest, largest = min(workers.tensor_parallel), max(workers.tensor_parallel)
    if smallest < 2:
        yield given.error(name, "an engine with tensorParallel 1 has nothing to shard; remove it")
    elif now.seqs < largest:
        yield given.error(
            name, f"--max-num-seqs {now.seqs} is less than tensorParallel {largest}; use at least {largest}"
        )
    if any(flag in given for flag in ("--speculative-config", "--spec-method", "--spec-model")):
        yield given.error(name, "is not supported together with speculation; remove one of them")
