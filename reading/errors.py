"""Errors of a configuration: the key path, the given value, the allowed ones, the nearest right one."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reading.tokens import masked


@dataclass(frozen=True)
class Fix:
    """A change that may fix an error. `reading.fixes` tries it; the message has its words only if it works."""

    words: str
    changes: Mapping[str, Any]
    """Path → the new value; None removes the key."""
    spelling: bool = False
    """Corrects a misspelling, so it is right even where other keys must follow: mode `reservation` needs a name."""


@dataclass(frozen=True, order=True)
class Error:
    """One error of the configuration, without the tokens that its path or message would repeat.

    `path` is what `pulumi config set --path` takes, less the namespace.
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
    """Every error of a configuration at once, sorted by path; never just the first."""

    def __init__(self, errors: Iterable[Error]) -> None:
        self.errors: tuple[Error, ...] = tuple(sorted(set(errors)))
        super().__init__("\n".join(map(str, self.errors)))


def join(path: str, *keys: str | int) -> str:
    """The path of a key below `path`: names joined by dots, list indexes in brackets."""
    for key in keys:
        path = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
    return path


def closest(given: str, allowed: Sequence[str]) -> str | None:
    """The allowed value most like `given`, or None when none is."""
    import difflib  # only an error needs it

    by_lower = {name.lower(): name for name in allowed}
    found = difflib.get_close_matches(given.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def nearest(given: str, allowed: Sequence[str]) -> str:
    """`; did you mean X?` for the allowed value most like `given`, or nothing when none is."""
    like = closest(given, allowed)
    return f"; did you mean {like}?" if like else ""


def one_of(given: str, allowed: Sequence[str]) -> str:
    """The sentence for a value outside a closed set."""
    return f"{shown(given)} is not one of {', '.join(allowed)}{nearest(given, allowed)}"


def unknown_key(given: str, allowed: Sequence[str]) -> str:
    """The sentence for a key that a block does not have."""
    return f"is not a key here{nearest(given, allowed)}; allowed: {', '.join(allowed)}"


def first_at_each(earlier: Iterable[Error], later: Iterable[Error]) -> list[Error]:
    """The errors of both; of the later ones only those at a path that no earlier one has."""
    found = list(earlier)
    paths = {error.path for error in found}
    return [*found, *(error for error in later if error.path not in paths)]


def shown(value: Any) -> str:
    """A value as an error repeats it: short, each token in it masked before anything is cut off."""
    text = masked(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 60 else f"{text[:57]}…"
