"""Errors of a configuration: key path, given value, allowed values, nearest valid value."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reading.tokens import masked


@dataclass(frozen=True)
class Fix:
    """A change that may fix an error. `reading.fixes` tries it, and the message proposes it only if it works."""

    words: str
    changes: Mapping[str, Any]
    """Path → the new value; None removes the key."""
    spelling: bool = False
    """Whether the fix corrects a misspelling. Such a fix may require more keys: mode `reservation` needs a name."""
    last_resort: bool = False
    """Whether the message proposes the fix only where no earlier one works."""


@dataclass(frozen=True, order=True)
class Error:
    """One error of the configuration. Credentials in its path and message are masked.

    `path` is an argument of `pulumi config set --path`, without the namespace.
    """

    path: str
    message: str
    fixes: tuple[Fix, ...] = field(default=(), compare=False)
    """Proposed changes, the nearest first."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", masked(self.path))
        object.__setattr__(self, "message", masked(self.message))

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class ConfigInvalid(Exception):
    """All errors of a configuration, sorted by path."""

    def __init__(self, errors: Iterable[Error]) -> None:
        self.errors: tuple[Error, ...] = tuple(sorted(set(errors)))
        super().__init__("\n".join(map(str, self.errors)))


def join(path: str, *keys: str | int) -> str:
    """The path of a key below `path`: names joined by dots, list indexes in brackets."""
    for key in keys:
        path = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
    return path


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def closest(given: str, allowed: Sequence[str]) -> str | None:
    """The allowed value most similar to `given`; None if none is similar."""
    import difflib  # only an error needs it

    by_lower = {name.lower(): name for name in allowed}
    found = difflib.get_close_matches(given.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def nearest(given: str, allowed: Sequence[str]) -> str:
    """`; did you mean X?` for the allowed value most similar to `given`; empty if none is similar."""
    like = closest(given, allowed)
    return f"; did you mean {like}?" if like else ""


def one_of(given: str, allowed: Sequence[str]) -> str:
    """The message for a value outside a closed set."""
    return f"{shown(given)} is not one of {', '.join(allowed)}{nearest(given, allowed)}"


def unknown_key(given: str, allowed: Sequence[str]) -> str:
    """The message for a key that a block does not have."""
    return f"is not a key here{nearest(given, allowed)}; allowed: {', '.join(allowed)}"


def first_at_each(earlier: Iterable[Error], later: Iterable[Error]) -> list[Error]:
    """The earlier errors, and the later errors at paths without an earlier one."""
    found = list(earlier)
    paths = {error.path for error in found}
    return [*found, *(error for error in later if error.path not in paths)]


def shown(value: Any) -> str:
    """A value as an error quotes it: credentials masked first, then shortened."""
    text = masked(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 60 else f"{text[:57]}…"
