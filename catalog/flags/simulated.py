"""Values that a simulated worker takes and cannot work with."""

from collections.abc import Iterator

from catalog import flags
from catalog.flags import ArgumentFault
from catalog.flags.given import Given

_POSITIVE = (
    "--decode-speedup-ratio",
    "--kv-bytes-per-token",
    "--kv-transfer-bandwidth",
    "--max-num-batched-tokens",
    "--max-num-seqs",
    "--num-gpu-blocks-override",
    "--speedup-ratio",
)


def errors(given: Given) -> Iterator[ArgumentFault]:
    for name in _POSITIVE:
        value = given.text(name)
        if value is not None and flags.number(value) <= 0:
            yield given.error(name, f"got {value}; must be more than 0")
