"""Splits the words of a command line into flags and their values."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Use:
    """A flag as given, with its values and their positions. Words before the first flag have the name ""."""

    index: int
    name: str
    values: tuple[tuple[int, str], ...]


def uses(argv: Sequence[str]) -> Iterator[Use]:
    """The flags of a command line in order, each with the words up to the next flag."""
    index, name, values = 0, "", list[tuple[int, str]]()
    for at, word in enumerate(argv):
        if not is_flag(word):
            values.append((at, word))
            continue
        if name or values:
            yield Use(index=index, name=name, values=tuple(values))
        name, equals, value = word.partition("=")
        index, values = at, [(at, value)] if equals else []
    if name or values:
        yield Use(index=index, name=name, values=tuple(values))


def is_flag(word: str) -> bool:
    """Whether argparse takes the word for a flag rather than for a value; negative numbers are values."""
    return len(word) > 1 and word[0] == "-" and not re.fullmatch(r"-\d+|-\d*\.\d+", word)


def split(words: Sequence[str]) -> tuple[str, ...]:
    """The words with each flag and value separate, because the operator reads only `--flag value`."""
    return tuple(part for word in words for part in (word.split("=", 1) if is_flag(word) else [word]))


def number(value: str) -> float:
    """An integer, a number or a size such as 8k (8000) or 8K (8192). Raises ValueError for other text."""
    suffixes = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
    return float(value[:-1]) * suffixes[value[-1]] if value[-1:] in suffixes else float(value)
