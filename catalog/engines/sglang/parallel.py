"""Attention in data parallel groups and experts spread over the GPUs of one engine."""

from collections.abc import Iterator

from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers
from catalog.models import Card

_DP, _DP_ATTENTION, _EP = "--dp-size", "--enable-dp-attention", "--ep-size"
# A larger chunk than this is no choice but a typing error: its activations alone need more than any GPU has.
_LARGEST_CHUNK = 131072


def groups(given: Given) -> int:
    """The number of GPU groups in an engine, each of which computes attention for its own requests; 1 without any."""
    return max(1, given.number(_DP) or 1) if given.on(_DP_ATTENTION) else 1


def attention_parallel(given: Given, tensor_parallel: int) -> int:
    """The number of GPUs that attention is divided over: `derive_attention_widths`, SGLang 0.5.21."""
    return max(1, tensor_parallel // groups(given))


def warnings(given: Given) -> Iterator[str]:
    if groups(given) > 1:
        yield (
            f"with {_DP_ATTENTION} each group of GPUs holds all heads and the KV cache of its own requests; the plan "
            "counts one group, and for latent attention it does not count that each group has a copy of the weights. "
            "The verification cannot tell the transport of a group that none of its prompts reached: it then fails "
            "with `N of M ranks`, unless `verification: reported`"
        )


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    """Sizes that `ServerArgs` of SGLang 0.5.21 refuses, or that the plan cannot count."""
    yield from _data_parallel(given, workers)
    for name in (_EP, "--moe-dense-tp-size"):
        if name in given and workers.no_experts:
            yield given.error(name, workers.no_experts)
    experts = given.number(_EP)
    if experts is not None and not workers.no_experts:
        yield from _expert_parallel(given, workers, experts)
    yield from _too_few_requests(given)
    dense = given.number("--moe-dense-tp-size")
    if dense is not None and any(dense not in (1, size) for size in workers.tensor_parallel):
        yield given.error("--moe-dense-tp-size", f"got {dense}; must be 1 or tensorParallel of each role")


def _data_parallel(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    size = given.number(_DP)
    if error := _no_groups(given, size, workers.card):
        yield error
        return
    for parallel in sorted({parallel for parallel in workers.tensor_parallel if size and parallel % size}):
        fitting = ", ".join(str(n) for n in range(1, parallel + 1) if parallel % n == 0)
        yield given.error(_DP, f"{size} does not divide tensorParallel, {parallel}; use one of {fitting}")
    for name in ("--enable-dp-lm-head", "--load-balance-method"):
        if name in given and not given.on(_DP_ATTENTION):
            yield given.error(name, f"has no effect without {_DP_ATTENTION}; remove it")


def _no_groups(given: Given, size: int | None, card: Card) -> ArgumentError | None:
    """Why the engine forms no groups of that number, whatever its GPUs; None if it may."""
    attention = given.on(_DP_ATTENTION)
    if attention and not _has_groups(card):
        return given.error(
            _DP_ATTENTION,
            f"is for mixtures of experts and latent attention, and {card.name} has neither; remove it, and use "
            "`replicas` of a role for more engines",
        )
    if size is not None and size < 1:
        return given.error(_DP, f"got {size}; must be at least 1")
    if size is not None and size > 1 and not attention:
        return given.error(
            _DP,
            f"{size} engines in one pod would need {size} times the GPUs of `tensorParallel`; use `replicas` of a "
            f"role, or add {_DP_ATTENTION} for groups within the engine",
        )
    if attention and size in (None, 1):
        return given.error(_DP_ATTENTION, f"has no effect without {_DP} of 2 or more; add it, or remove this")
    return None


def _too_few_requests(given: Given) -> Iterator[ArgumentError]:
    """Each group gets its part of the running requests, rounded down, and starts with none if the part is 0."""
    running, count = given.number("--max-running-requests"), groups(given)
    if running is not None and 0 < running < count:
        yield given.error(
            "--max-running-requests", f"{running} is less than {_DP}, {count}, so no group could run one; use {count}"
        )


def _expert_parallel(given: Given, workers: Workers, experts: int) -> Iterator[ArgumentError]:
    if experts < 1:
        yield given.error(_EP, f"got {experts}; must be at least 1")
        return
    if uneven := [size for size in workers.tensor_parallel if size % experts]:
        yield given.error(
            _EP,
            f"{experts} does not divide tensorParallel, {uneven[0]}: experts are spread over the GPUs of one engine",
        )
    elif (known := workers.card.architecture.experts) and known.count % experts:
        yield given.error(_EP, f"{experts} does not divide the {known.count} experts of {workers.card.name}")


def _has_groups(card: Card) -> bool:
    return card.architecture.kind == "moe" or card.attention.kind == "mla"


def chunk_errors(given: Given, page: int) -> Iterator[ArgumentError]:
    """`check_server_args` and `handle_data_parallelism`, SGLang 0.5.21: each group gets its part of a chunk."""
    name = "--chunked-prefill-size"
    size = given.number(name)
    unit = page * groups(given)
    if size is not None and size > 0 and size % unit:
        nearest = max(1, round(size / unit)) * unit
        advice = f"use {nearest}" if nearest <= _LARGEST_CHUNK else "remove it, for SGLang's own choice"
        why = f"the page size, {page}" if unit == page else f"{unit}, the page size times {_DP}"
        yield given.error(name, f"{size} is not a multiple of {why}; {advice}")
