"""The part of a GPU's memory that SGLang's own formula keeps free of weights and KV cache.

`handle_gpu_memory_settings` and `reserve_for_graph_mb` of SGLang 0.5.21, for an aggregated engine over 8 GPUs, which
needs most. This program sets `--mem-fraction-static`, so SGLang does not apply the formula itself.
"""

import math
from collections.abc import Iterator
from typing import Any, cast

from catalog.engines.sglang.parallel import groups
from catalog.flags.given import Given

_CHUNK, _PREFILL_TOKENS, _RUNNING = "--chunked-prefill-size", "--max-prefill-tokens", "--max-running-requests"
_GRAPH, _GRAPH_SIZES, _GRAPHS = "--cuda-graph-max-bs-decode", "--cuda-graph-bs-decode", "--cuda-graph-config"
FLAGS = (_CHUNK, _PREFILL_TOKENS, _RUNNING, _GRAPH, _GRAPH_SIZES, _GRAPHS, "--dp-size")
"""The flags that the formula reads."""

_PREFILL_TOKENS_DEFAULT = 16384
_MIN_TOKENS = 2048
_FIXED_MIB, _ENGINE_MIB = 512, 1024
_MIB_PER_TOKEN, _MIB_PER_SEQUENCE = 1.5, 2
# With attention groups, for each sequence of the largest CUDA graph and each group; more above so many sequences.
_MIB_PER_GROUP, _MANY, _MIB_PER_GROUP_OF_MANY = 3, 300, 1.5
_LARGE_GPU_MIB, _MIN_OF_LARGE_GPU_MIB = 60 * 1024, 10 * 1024


def default_mib(memory_mib: int) -> float:
    """MiB that the formula reserves without flags of a stack."""
    chunk, graph = _defaults(memory_mib)
    return _reserve(memory_mib, chunk, graph)


def reserved_mib(memory_mib: int, given: Given) -> float:
    """MiB that the formula reserves with these flags, at least the default.

    Decode counts its running requests as tokens, and an engine without chunks the most tokens of a prefill.
    """
    chunk, graph = _defaults(memory_mib)
    size = given.number(_CHUNK)
    if size is not None and size <= 0:
        chunk = max(given.number(_PREFILL_TOKENS) or 0, _PREFILL_TOKENS_DEFAULT)
    tokens = max(chunk, size or 0, given.number(_RUNNING) or 0)
    sequences = max(_graph_sizes(given), default=graph)
    apart = _groups_mib(sequences, groups(given))
    return max(default_mib(memory_mib), _reserve(memory_mib, tokens, sequences) + apart)


def _reserve(memory_mib: int, tokens: int, sequences: int) -> float:
    needed = _FIXED_MIB + _MIB_PER_TOKEN * max(tokens, _MIN_TOKENS) + _MIB_PER_SEQUENCE * sequences + _ENGINE_MIB
    return max(needed, _MIN_OF_LARGE_GPU_MIB) if memory_mib > _LARGE_GPU_MIB else needed


def _groups_mib(sequences: int, count: int) -> float:
    if count == 1:
        return 0.0
    return sequences * count * (_MIB_PER_GROUP + (_MIB_PER_GROUP_OF_MANY if sequences > _MANY else 0))


def _graph_sizes(given: Given) -> Iterator[int]:
    """The sizes of CUDA graphs for decode that the flags name."""
    decode: Any = given.keys(_GRAPHS).get("decode")
    keys = cast(dict[str, Any], decode) if isinstance(decode, dict) else {}
    sizes: Any = keys.get("bs")
    in_json = [keys.get("max_bs"), *(cast(list[Any], sizes) if isinstance(sizes, list) else [])]
    yield from (value for value in in_json if type(value) is int)
    largest = given.number(_GRAPH)
    yield from [largest] if largest is not None else []
    # Python reads no integers of more than some thousand digits; their bounds are checked elsewhere.
    yield from (int(text) for text in given.texts(_GRAPH_SIZES) if text.isdecimal() and len(text) < 20)


def _defaults(memory_mib: int) -> tuple[int, int]:
    """Tokens of a chunk and sequences of the largest CUDA graph that SGLang chooses by a GPU's memory."""
    for below_gib, chunk, graph in ((20, 2048, 8), (60, 4096, 160), (160, 8192, 512)):
        if memory_mib < below_gib * 1024:
            return chunk, graph
    return 16384, 512


def share(memory_mib: int, reserve: float) -> float:
    """The share of a GPU's memory that leaves a reserve, rounded down to hundredths; 0 if nothing is left."""
    return max(0.0, math.floor(100 * (memory_mib - reserve) / memory_mib) / 100)
