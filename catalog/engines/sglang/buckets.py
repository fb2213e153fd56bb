"""The limits of histogram buckets, which SGLang and its metrics library check when an engine starts."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from catalog.flags import ArgumentError
from catalog.flags.given import Given
from reading.errors import one_of

_RULES = ("--prompt-tokens-buckets", "--generation-tokens-buckets")
_LIMITS = ("--bucket-e2e-request-latency", "--bucket-inter-token-latency", "--bucket-time-to-first-token")
_KINDS = ("default", "tse", "custom")


def errors(given: Given) -> Iterator[ArgumentError]:
    for name in _RULES:
        if why := _rule_error(given.texts(name)) if name in given else None:
            yield given.error(name, why)
    for name in _LIMITS:
        if any(float(low) >= float(high) for low, high in pairwise(given.texts(name))):
            yield given.error(
                name, f"got {' '.join(given.texts(name))}; each number must be larger than the one before"
            )


def _rule_error(words: Sequence[str]) -> str | None:
    """Why `validate_buckets_rule` of SGLang 0.5.21 refuses a rule; None if it does not."""
    kind, numbers = words[0], words[1:]
    if kind not in _KINDS:
        return one_of(kind, _KINDS)
    if kind == "default":
        return "default takes no numbers; remove them" if numbers else None
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        return f"got {' '.join(numbers)} for {kind}; must be numbers"
    if kind == "custom":
        return _custom_error(values)
    return _tse_error(values, numbers)


def _custom_error(values: Sequence[float]) -> str | None:
    if not values:
        return "custom needs at least one number, the limit of a bucket"
    if len(set(values)) < len(values):
        return "custom: a number is given twice; give each limit once"
    return None if min(values) >= 0 else f"custom: got {min(values):g}; must be at least 0"


def _tse_error(values: Sequence[float], numbers: Sequence[str]) -> str | None:
    if len(values) != 3 or not numbers[2].lstrip("+-").isdecimal():
        return "tse needs three numbers: the middle, the base and the count, a whole number"
    middle, base, count = values
    if middle <= 0 or base <= 1 or count <= 0:
        return (
            f"tse: got {' '.join(numbers)}; the middle must be more than 0, the base more than 1, the count 1 or more"
        )
    return None
