"""Checks a command line against the table of its module's flags.

The check is stricter than the parsers about spelling: no abbreviations, no underscores for dashes, no dotted keys, no
flag twice. So command lines with the same meaning look the same. docs/engine-flags.md has the whole list.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from catalog.flags.argv import Use, number, uses
from catalog.flags.equivalents import equivalent
from catalog.flags.spelling import meant
from catalog.flags.table import Flag, Table
from reading.errors import nearest, one_of, shown


class CommandLineRefused(Exception):
    """A command line of this program is invalid for the runtime. An internal error."""


@dataclass(frozen=True)
class ArgumentError:
    """An error in one word of a command line. `index` counts from 0."""

    index: int
    message: str


def errors(
    table: Table,
    argv: Sequence[str],
    *,
    owned: Mapping[str, str] | None = None,
    usable: Mapping[str, Sequence[str]] | None = None,
    others: Iterable[Table] = (),
) -> list[ArgumentError]:
    """Every error of a module's arguments.

    `owned`: flag that the caller may not set → sentence that says why. `usable`: flag → the values that an error may
    propose, where they are fewer than the runtime knows. `others`: tables of other modules, to recognize their flags.
    """
    spellings = table.spellings
    found: list[ArgumentError] = []
    first_use: dict[str, int] = {}
    for use in uses(argv):
        this = spellings.get(use.name) or spellings.get(use.name.partition(".")[0])
        if sentence := (owned or {}).get(use.name) or (owned or {}).get(this.name if this else ""):
            found.append(ArgumentError(use.index, f"{use.name} is not set here: {sentence}"))
        elif message := _name_error(table, use, this, owned or {}, others):
            found.append(ArgumentError(use.index, message))
        elif this:
            if this.name in first_use and not this.repeats:
                before = argv[first_use[this.name]].partition("=")[0]
                again = use.name if use.name == before else f"{use.name}, the same flag as {before},"
                found.append(ArgumentError(use.index, f"{again} is given twice; only the last would count"))
            first_use.setdefault(this.name, use.index)
            found += _value_errors(table, this, use, usable or {})
    return found


def checked(table: Table, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments, unchanged. Raises CommandLineRefused if they are invalid for the runtime."""
    if found := errors(table, argv):
        raise CommandLineRefused(f"python3 -m {table.module}: " + "; ".join(error.message for error in found))
    return argv


def _name_error(
    table: Table, use: Use, flag: Flag | None, owned: Mapping[str, str], others: Iterable[Table]
) -> str | None:
    if not use.name:
        return f"{shown(use.values[0][1])} comes before the first flag"
    if " " in use.name:
        flag_word, _, value = use.name.partition(" ")
        return f"{shown(use.name)} is one word; give two, {shown(flag_word)} and {shown(value.strip())}"
    replacement = table.removed.get(use.name) or (flag.deprecated if flag else None)
    if replacement is not None:
        since = f" from Dynamo {table.removed_in[use.name]} on" if use.name in table.removed_in else ""
        return f"{use.name} is {'deprecated' if flag else 'gone'}{since}; " + (
            "remove it"
            if not replacement
            else replacement
            if replacement.startswith("remove")
            else f"use {replacement}"
        )
    if flag is None and "--optimization-level" in table.flags and (level := re.fullmatch(r"-O(\d*)", use.name)):
        return f"{use.name} is a shorthand; give --optimization-level {level[1]}".rstrip()
    if flag is None:
        return _unknown(table, use.name, owned, others)
    if use.name in flag.obsolete:
        return f"{use.name} is an old name; use {flag.name}"
    if "." in use.name and use.name not in table.spellings:
        return f"{use.name} sets one key; give {flag.name} the whole object as JSON"
    return None


def _unknown(table: Table, name: str, owned: Mapping[str, str], others: Iterable[Table]) -> str:
    tables = [other for other in others if other.module != table.module]
    knowing = [other.module for other in tables if name in other.spellings]
    said, of_others = _proposal(name, table.spellings, owned), name
    if knowing:
        said = f", but of {' and '.join(knowing)}"
    elif not said:
        said, of_others = _proposal_of_others(name, tables)
    if (knowing or said == "" or of_others != name) and (own := equivalent(of_others, table.spellings)):
        said += f"; the same in {table.module} is {own}{_why_owned(table, own, owned)}"
    return f"{name} is not a flag of {table.module} ({table.versions}){said}"


def _proposal_of_others(name: str, tables: Sequence[Table]) -> tuple[str, str]:
    """A proposal for a misspelled flag of another module, and the flag; empty and the name itself if there is none."""
    for other in tables:
        if found := meant(name, [word for word, flag in other.flags.items() if flag.deprecated is None]):
            modules = " and ".join(table.module for table in tables if found in table.spellings)
            return f"; it looks like {found} of {modules}", found
    return "", name


def _why_owned(table: Table, name: str, owned: Mapping[str, str]) -> str:
    why = owned.get(name) or owned.get(table.spellings[name].name)
    return f". It is not set here: {why}" if why else ""


def _proposal(name: str, known: Mapping[str, Flag], owned: Mapping[str, str]) -> str:
    """A proposal for a misspelled flag; if the caller may not set the flag it means, what to do instead."""
    proposed = meant(name, [word for word, f in known.items() if f.deprecated is None and word not in f.obsolete])
    if proposed is None:
        return ""
    why = owned.get(proposed) or owned.get(known[proposed].name)
    return f"; did you mean {proposed}?" + (f" It is not set here: {why}" if why else "")


def _value_errors(table: Table, flag: Flag, use: Use, usable: Mapping[str, Sequence[str]]) -> Iterator[ArgumentError]:
    takes = 0 if flag.type == "switch" else len(use.values) if flag.values == "many" else 1
    if not use.values and flag.type != "switch" and flag.values != "optional":
        yield ArgumentError(use.index, f"{use.name} needs {_WANTED[flag.type]}" + _of(flag.choices))
    for index, value in use.values[:takes]:
        for message in _wrong(table, flag, value, usable):
            yield ArgumentError(index, f"{use.name}: {message}")
    for index, value in use.values[takes:]:
        off = f"; to switch it off, give {flag.negative[0]}" if flag.negative else ""
        reason = f"takes no value{off}" if takes == 0 else "takes one value"
        yield ArgumentError(index, f"{shown(value)} belongs to no flag: {use.name} {reason}")


_WANTED = {
    "text": "a value",
    "word": "text, not a number, true, false or none",
    "integer": "a whole number",
    "number": "a number",
    "size": "a whole number, such as 8192 or 8k",
    "sizeOrAuto": "a whole number, such as 8192 or 8k, or auto",
    "object": "a JSON object",
}
# Text that Python reads as a number.
_NUMBER_WORD = r"[+-]?(nan|inf(inity)?|(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d+)?)"
_FORMS = {
    "word": rf"(?i)(?!(none|null|true|false|{_NUMBER_WORD})$)[^-].*",
    "integer": r"[+-]?\d+",
    "number": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?",
    "size": r"[+-]?\d+|\d+(\.\d+)?[kmgt]|\d+[KMGT]",
    "sizeOrAuto": r"auto|[+-]?\d+|\d+(\.\d+)?[kmgt]|\d+[KMGT]",
}


def _of(choices: Sequence[str]) -> str:
    return f", one of {', '.join(choices)}" if choices else ""


def _wrong(table: Table, flag: Flag, value: str, usable: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The errors of a value; none for a valid one."""
    if flag.nullable and value in flag.nulls:
        return
    if allowed := flag.choices or flag.registered:
        if value not in allowed:
            yield one_of(value, usable.get(flag.name) or allowed)
    elif flag.type == "object":
        yield from _wrong_object(table, flag, value, usable)
    elif flag.type in _FORMS and not re.fullmatch(_FORMS[flag.type], value):
        yield f"got {shown(value)}; must be {_WANTED[flag.type]}"
    elif flag.type in ("integer", "number", "size"):
        yield from _out_of_bounds(flag, value)


def _out_of_bounds(flag: Flag, value: str) -> Iterator[str]:
    given = number(value)
    if math.isinf(given):
        yield f"got {value}; is too large a number"
        return
    if flag.min is not None and given < flag.min:
        yield f"got {value}; must be at least {flag.min:g}"
    if flag.above is not None and given <= flag.above:
        yield f"got {value}; must be more than {flag.above:g}"
    if flag.max is not None and given > flag.max:
        yield f"got {value}; must be at most {flag.max:g}"
    if flag.below is not None and given >= flag.below:
        yield f"got {value}; must be less than {flag.below:g}"


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def json_object(text: str) -> dict[str, Any] | str:
    """The JSON object in a flag's value, or an error in words."""
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        return f"is not JSON: {error.msg} at character {error.pos + 1}"
    except ValueError:  # Python reads no integers of more than some thousand digits
        return "has a number with too many digits"
    except RecursionError:
        return "is nested too deeply"
    return cast(dict[str, Any], parsed) if isinstance(parsed, dict) else f"got {shown(parsed)}; must be a JSON object"


def _wrong_object(table: Table, flag: Flag, text: str, usable: Mapping[str, Sequence[str]]) -> Iterator[str]:
    given, keys = json_object(text), flag.keys
    if isinstance(given, str):
        yield given
        return
    if keys is None:
        return
    known = table.objects[keys]
    for key, value in given.items():
        if since := table.removed_keys.get(keys, {}).get(key):
            yield f"{key} is gone from Dynamo {since} on; remove it"
        elif key not in known:
            yield f"{key} is not a key of {keys}{nearest(key, tuple(known))}; allowed: {', '.join(known)}"
        elif not given.get(known[key].get("openWith", "")) and (
            message := _wrong_key(known[key], value, usable.get(f"{flag.name}.{key}"))
        ):
            yield f"{key}: {message}"
    for key in known:
        if given.get(key) and (needed := known[key].get("needs")) and not given.get(needed):
            yield f"{key} needs {needed}{_of(known[needed]['choices'])}"


def _wrong_key(known: Mapping[str, Any], value: Any, usable: Sequence[str] | None) -> str | None:
    if value is None:
        return None if known.get("nullable") else "must not be null"
    allowed = _JSON_TYPES.get(known.get("type", ""))
    if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed)):
        return f"got {shown(value)}; must be of JSON's type {known['type']}"
    if (choices := known.get("choices")) and str(value) not in choices:
        return one_of(str(value), usable or choices)
    if choices and "type" not in known and isinstance(value, str) and value.isdecimal():
        return f"got {shown(value)}; must be the number {value}, without quotes"
    return None
