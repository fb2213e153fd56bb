"""Ways out of an error: each is tried by the check that found the error, and told only if it helps."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from reading.errors import Error, Way

# More would be a list to choose from without a reason.
MOST = 2

Judge = Callable[[dict[str, Any]], list[Error]]


def told(found: Iterable[Error], raw: Mapping[str, Any], judge: Judge) -> list[Error]:
    """The errors with those of their ways in the message that make the error go away and bring no other."""
    errors = list(found)
    before: Counter[str] = Counter()
    if any(error.ways for error in errors):
        before.update(error.path for error in judge(_copy(raw)))
    return [_with_ways(error, raw, before, judge) for error in errors]


def untried(error: Error) -> Error:
    """The error with all its ways in the message, for a reader that has no check to try them by."""
    return Error(error.path, "; ".join([error.message, *(way.words for way in error.ways)]))


def _with_ways(error: Error, raw: Mapping[str, Any], before: Counter[str], judge: Judge) -> Error:
    words: list[str] = []
    for way in error.ways:
        changed = _copy(raw)
        if len(words) < MOST and _apply(way, changed):
            after = Counter(other.path for other in judge(changed))
            wanted = before - Counter([error.path])
            if after[error.path] <= wanted[error.path] if way.spelling else after <= wanted:
                words.append(way.words + _then(sorted(after - wanted)))
    return Error(error.path, "; ".join([error.message, ", or ".join(words)]) if words else error.message)


def _then(paths: list[str]) -> str:
    """What has to follow a change that is right, such as the name of a reservation after `mode: reservation`."""
    if not paths:
        return ""
    return f" (then see to {' and '.join(paths[:MOST])}{' and more' if len(paths) > MOST else ''} too)"


def _copy(raw: Mapping[str, Any]) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(json.dumps(raw)))


def _apply(way: Way, raw: dict[str, Any]) -> bool:
    """Makes the changes in place. False where a path leads through something that holds no keys, or to a key that is
    there already and was to be a new name."""
    renames = any(value is None for value in way.changes.values())
    for path, value in way.changes.items():
        *parents, last = path.split(".")
        block = raw
        for key in parents:
            inner: Any = block.setdefault(key, {})
            if not isinstance(inner, dict):
                return False
            block = cast(dict[str, Any], inner)
        if value is None:
            block.pop(last, None)
        elif renames and last in block:
            return False
        else:
            block[last] = value
    return True
