"""Reads JSON that a person wrote: strictly, and with a sentence for each likely mistake."""

import json
from typing import Any, NoReturn


class Malformed(Exception):
    """The text is not JSON. The message says where, and what to do."""


def loads(text: bytes) -> Any:
    """The value of a JSON document in UTF-8. Raises Malformed, also for what Python's reader lets pass.

    These are `NaN` and `Infinity`, which other readers refuse, and a key given twice, of which they take the last.
    """
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Malformed(f"is not UTF-8 in line {line}; save it as UTF-8") from None
    if not decoded.strip():
        raise Malformed("is empty; write at least {}")
    try:
        return json.loads(decoded, object_pairs_hook=_once, parse_constant=_constant)
    except json.JSONDecodeError as error:
        at, advice = _advice(decoded, error)
        line, column = decoded.count("\n", 0, at) + 1, at - decoded.rfind("\n", 0, at)
        raise Malformed(f"is not JSON in line {line}, column {column}: {advice}") from None
    except RecursionError:
        raise Malformed("is not JSON that can be read: it is nested too deeply") from None
    except ValueError:  # an integer of thousands of digits
        raise Malformed("has a number that is too long to be read; correct it") from None


def _advice(text: str, error: json.JSONDecodeError) -> tuple[int, str]:
    """The place of a mistake, and what to do there."""
    # Python 3.13 stops at the comma, earlier ones behind it.
    before, after = text[: error.pos + text[error.pos :].startswith(",")].rstrip(), text[error.pos :].lstrip(", \t\r\n")
    if before.endswith(",") and after[:1] in ("}", "]"):
        return len(before) - 1, f"remove the comma before {after[0]}"
    if not after:
        return len(text.rstrip()), "it ends too early; add the missing } or ]"
    return error.pos, _advice_on(text, after, error.msg)


def _advice_on(text: str, after: str, reason: str) -> str:
    if after.startswith(("//", "/*", "#")):
        return "JSON has no comments; remove it"
    if after[0] in "'\u201c\u201d\u2018\u2019":
        return 'names and texts are in double quotes: "name"'
    for word, right in (("True", "true"), ("False", "false"), ("None", "null")):
        if after.startswith(word):
            return f"write {right}, not {word}"
    if text.startswith("\ufeff"):
        return "it begins with a byte order mark; save it as UTF-8 without one"
    if "delimiter" in reason:
        missing = "colon" if "':'" in reason else "comma"
        return f"a {missing} is missing before this"
    if "property name" in reason:
        return 'a name in double quotes must be here, such as "name": value'
    if reason == "Extra data":
        return "more follows after the end of the document; remove it"
    return f"{reason[:1].lower()}{reason[1:]}; correct it"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = sorted({key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1})
        raise Malformed(f"is not unambiguous: {', '.join(twice)} given twice; remove one")
    return found


def _constant(name: str) -> NoReturn:
    raise Malformed(f"is not JSON: {name} is not a number there; write one")
