"""Values that a simulated worker takes and cannot work with."""

from collections.abc import Iterator

from spec import flags
from spec.flag_rules.given import Given
from spec.flags import ArgumentFault

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
