"""Differences of two sets of inputs, path by path, with values short enough to print. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from reading.errors import join, shown
from reading.tokens import masked

SECRET = "[secret]"
UNKNOWN = "[unknown]"


class _Missing:
    """Stands for an input that is not set."""

    def __repr__(self) -> str:
        return "none"


MISSING = _Missing()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One input that differs. Brackets hold list elements: by name if all have one, else by position."""

    path: str
    before: Any
    after: Any
    block: str = ""
    """The outermost object or list around the input that exists on one side only."""

    @property
    def bare(self) -> str:
        """The path without list elements: `rules[0].action` → `rules.action`."""
        return unindexed(self.path)

    @property
    def shown(self) -> tuple[str, str]:
        return _apart(self.before, self.after)


def differences(before: Any, after: Any) -> Iterator[Difference]:
    """Each input that differs: lists of named objects by name, lists of plain values as a whole."""
    yield from _differences(before, after, "", "")


def _differences(was: Any, becomes: Any, path: str, block: str) -> Iterator[Difference]:
    was, becomes = (MISSING if side is None else side for side in (was, becomes))
    if was is becomes or was == becomes:
        return
    if path and not block and MISSING in (was, becomes):
        block = path
    parts = _parts(was, becomes, path)
    if parts is None:
        yield Difference(path=path, before=was, after=becomes, block="" if block == path else block)
    else:
        for old, new, below in parts:
            yield from _differences(old, new, below, block)


def _parts(was: Any, becomes: Any, path: str) -> list[tuple[Any, Any, str]] | None:
    """Entries of two objects or of two lists of objects, with paths; None for values that are compared as a whole."""
    if _both(was, becomes, dict):
        before, after = ({} if side is MISSING else side for side in (was, becomes))
        return [
            (before.get(key, MISSING), after.get(key, MISSING), join(path, key)) for key in sorted({*before, *after})
        ]
    if not _both(was, becomes, list):
        return None
    before, after = (keyed([] if side is MISSING else side) for side in (was, becomes))
    if before is None or after is None:
        return None
    keys = sorted({*before, *after}, key=str)
    return [(before.get(key, MISSING), after.get(key, MISSING), f"{path}[{key}]") for key in keys]


def _both(was: Any, becomes: Any, kind: type) -> bool:
    """Whether both are of this type, or one is missing and the other is non-empty."""
    sides = (was, becomes)
    return all(isinstance(side, kind) or side is MISSING for side in sides) and any(
        isinstance(side, kind) and side for side in sides
    )


def keyed(items: Sequence[Any]) -> dict[str | int, Any] | None:
    """A list of objects by name, or by position if they have none; None for a list of plain values."""
    if not all(isinstance(item, dict) for item in items):
        return None
    names = [item.get("name") for item in items]
    return dict(zip(names if len({*names} - {None}) == len(names) else range(len(items)), items, strict=True))


def _apart(was: Any, becomes: Any) -> tuple[str, str]:
    """Both values, shortened; long texts with a common beginning start where they differ. Tokens stay masked."""
    if isinstance(was, list) and isinstance(becomes, list):
        removed = [item for item in was if item not in becomes]
        added = [item for item in becomes if item not in was]
        if removed or added:
            return short(removed or MISSING), short(added or MISSING)
    if isinstance(was, str) and isinstance(becomes, str):
        return _texts_apart(masked(was), masked(becomes))
    return short(was), short(becomes)


def _texts_apart(was: str, becomes: str) -> tuple[str, str]:
    before, after = short(was), short(becomes)
    if before != after or was == becomes:
        return before, after
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(was, becomes, strict=False)))
    return short(f"…{was[alike:]}"), short(f"…{becomes[alike:]}")


def short(value: Any) -> str:
    return "none" if value is MISSING else shown(value)


def unindexed(path: str) -> str:
    return re.sub(r"\[[^\]]*\]", "", path)


def covered(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path equals a pattern or lies below one."""
    return any(path == pattern or path.startswith((f"{pattern}.", f"{pattern}[")) for pattern in patterns)


def at(inputs: Any, path: str) -> Any:
    """The value at a path of keys, or MISSING."""
    for key in path.split("."):
        if not isinstance(inputs, dict) or inputs.get(key) is None:
            return MISSING
        inputs = inputs[key]
    return inputs
