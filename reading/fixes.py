"""Tries the proposed fixes of an error. The message names only fixes after which the check finds no error."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from reading.errors import Error, Fix

# A longer list would not help to choose.
MAX_FIXES = 2

Judge = Callable[[dict[str, Any]], list[Error]]


def keep_working(found: Iterable[Error], raw: Mapping[str, Any], judge: Judge) -> list[Error]:
    """The errors, with the fixes in each message that remove the error and cause no other."""
    errors = list(found)
    before: Counter[str] = Counter()
    if any(error.fixes for error in errors):
        before.update(error.path for error in judge(_copy(raw)))
    return [_with_fixes(error, raw, before, judge) for error in errors]


def keep_all(error: Error) -> Error:
    """The error with all its fixes in the message, for settings on which no check can try them."""
    return Error(error.path, "; ".join([error.message, *(fix.words for fix in error.fixes)]))


def _with_fixes(error: Error, raw: Mapping[str, Any], before: Counter[str], judge: Judge) -> Error:
    words: list[str] = []
    for fix in error.fixes:
        if fix.last_resort and words:
            continue
        changed = _copy(raw)
        if len(words) < MAX_FIXES and _apply(fix, changed):
            after = Counter(other.path for other in judge(changed))
            wanted = before - Counter([error.path])
            if after[error.path] <= wanted[error.path] if fix.spelling else after <= wanted:
                words.append(fix.words + _additional_keys(sorted(after - wanted), changed))
    return Error(error.path, "; ".join([error.message, ", or ".join(words)]) if words else error.message)


def _additional_keys(paths: list[str], raw: Mapping[str, Any]) -> str:
    """The other keys that a fix affects: `mode: reservation` requires the name of one, `spot` forbids it."""
    if not paths:
        return ""
    named = [f"{'change' if _is_given(path, raw) else 'set'} {path}" for path in paths[:MAX_FIXES]]
    return f" (then also {' and '.join(named)}{' and more' if len(paths) > MAX_FIXES else ''})"


def _is_given(path: str, raw: Mapping[str, Any]) -> bool:
    block: Any = raw
    for key in path.split("."):
        if not isinstance(block, dict) or key not in block:
            return False
        block = cast(dict[str, Any], block)[key]
    return True


def _copy(raw: Mapping[str, Any]) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(json.dumps(raw)))


def _apply(fix: Fix, raw: dict[str, Any]) -> bool:
    """Applies the changes in place. Returns False where a path leads through a value without keys, or where the new
    name of a key already exists."""
    renames = any(value is None for value in fix.changes.values())
    for path, value in fix.changes.items():
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
