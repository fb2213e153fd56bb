"""Flags of the engines' parsers with the same meaning, so that an error can name this engine's own."""

from collections.abc import Collection

# Names in vLLM, SGLang and TensorRT-LLM, and short forms that their own servers take.
_GROUPS = (
    ("-tp", "--tp", "--tensor-parallel-size", "--tp-size"),
    ("-dp", "--dp", "--data-parallel-size", "--dp-size"),
    ("-ep", "--ep", "--enable-expert-parallel", "--ep-size", "--expert-parallel-size"),
    ("--max-num-seqs", "--max-running-requests", "--max-batch-size"),
    ("--max-num-batched-tokens", "--chunked-prefill-size", "--max-num-tokens"),
    ("--max-model-len", "--context-length", "--max-seq-len"),
    ("--gpu-memory-utilization", "--mem-fraction-static", "--free-gpu-memory-fraction"),
    ("--block-size", "--page-size", "--kv-block-size"),
    ("--model", "--model-path"),
    ("--seed", "--random-seed"),
)


def equivalent(name: str, known: Collection[str]) -> str | None:
    """The flag of `known` that means what `name` means to another engine; None if there is none."""
    group = next((names for names in _GROUPS if name in names), ())
    return next((other for other in group if other in known and other != name), None)
