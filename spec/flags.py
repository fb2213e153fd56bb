"""A command line against the flags that the pinned runtime takes: engine-flags.json, which its own parsers wrote.

Stricter than the parsers where they are lax about spelling: no abbreviations, no underscores for dashes, no dotted
keys, no flag twice. So two lines that say the same thing look the same. docs/engine-flags.md has the whole list.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from spec.data import HERE
from spec.faults import nearest, one_of, shown

TABLE = HERE / "engine-flags.json"

# Gone from the runtime, so its parsers do not know them; samples on the net still do.
REMOVED = {
    "--is-prefill-worker": "--disaggregation-mode prefill",
    "--is-decode-worker": "--disaggregation-mode decode",
    "--admission-control": "--active-decode-blocks-threshold",
}


class CommandLineRefused(Exception):
    """This program wrote a command line that the runtime would not take."""


@dataclass(frozen=True)
class ArgumentFault:
    """What is wrong with one word of a command line. `index` counts from 0."""

    index: int
    message: str


@dataclass(frozen=True, kw_only=True)
class Flag:
    """One flag of a module, as tools/engine_parsers.py found it."""

    name: str
    type: Literal["switch", "text", "integer", "number", "size", "sizeOrAuto", "object"]
    """`size` is a whole number that may end in k, m, g, t (times 1000) or K, M, G, T (times 1024)."""
    default: Any = None
    aliases: Sequence[str] = ()
    negative: Sequence[str] = ()
    """The spellings that switch it off."""
    obsolete: Sequence[str] = ()
    """Spellings of an older version that still work."""
    deprecated: str | None = None
    """What the runtime says to use instead; empty if it names nothing, None if the flag is not deprecated."""
    values: Literal["one", "optional", "many"] = "one"
    """How many words follow; none if it is a switch."""
    choices: Sequence[str] = ()
    nullable: bool = False
    """Whether the word None stands for no value."""
    keys: str | None = None
    """The class whose keys the JSON object has; None where any key goes."""
    repeats: bool = False
    """Whether giving it again adds a value instead of replacing it."""


def faults(module: str, argv: Sequence[str], owned: Mapping[str, str] | None = None) -> list[ArgumentFault]:
    """Every fault of the module's arguments.

    `owned` names flags that are not the caller's to give, whatever the value, with the sentence that says why.
    """
    known = _flags(module)
    found: list[ArgumentFault] = []
    first_use: dict[str, int] = {}
    for use in _uses(argv):
        flag = known.get(use.name) or known.get(use.name.partition(".")[0])
        if sentence := (owned or {}).get(use.name) or (owned or {}).get(flag.name if flag else ""):
            found.append(ArgumentFault(use.index, f"{use.name} is not set here: {sentence}"))
        elif message := _name_fault(module, use, flag):
            found.append(ArgumentFault(use.index, message))
        elif flag:
            if flag.name in first_use and not flag.repeats:
                before = argv[first_use[flag.name]].partition("=")[0]
                again = use.name if use.name == before else f"{use.name}, the same flag as {before},"
                found.append(ArgumentFault(use.index, f"{again} is given twice; only the last would count"))
            first_use.setdefault(flag.name, use.index)
            found += _value_faults(flag, use)
    return found


def checked(module: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments as they are. Raises CommandLineRefused if the runtime would not take them."""
    if found := faults(module, argv):
        raise CommandLineRefused(f"python3 -m {module}: " + "; ".join(fault.message for fault in found))
    return argv


def is_flag(word: str) -> bool:
    """Whether argparse takes the word for a flag rather than for a value; negative numbers are values."""
    return len(word) > 1 and word[0] == "-" and not re.fullmatch(r"-\d+|-\d*\.\d+", word)


@cache
def _table() -> dict[str, Any]:
    return json.loads(TABLE.read_text(encoding="utf-8"))


@cache
def _flags(module: str) -> dict[str, Flag]:
    """The flags of a module by each of their spellings."""
    flags = (Flag(name=name, **known) for name, known in _table()["modules"][module].items())
    return {word: flag for flag in flags for word in (flag.name, *flag.aliases, *flag.negative, *flag.obsolete)}


@dataclass(frozen=True, kw_only=True)
class _Use:
    """A flag as given, with its values and where they are; words before the first flag have the name ""."""

    index: int
    name: str
    values: tuple[tuple[int, str], ...]


def _uses(argv: Sequence[str]) -> Iterator[_Use]:
    index, name, values = 0, "", list[tuple[int, str]]()
    for at, word in enumerate(argv):
        if not is_flag(word):
            values.append((at, word))
            continue
        if name or values:
            yield _Use(index=index, name=name, values=tuple(values))
        name, equals, value = word.partition("=")
        index, values = at, [(at, value)] if equals else []
    if name or values:
        yield _Use(index=index, name=name, values=tuple(values))


def _name_fault(module: str, use: _Use, flag: Flag | None) -> str | None:
    if not use.name:
        return f"{shown(use.values[0][1])} stands before the first flag"
    if " " in use.name:
        flag_word, _, value = use.name.partition(" ")
        return f"{shown(use.name)} is one word; give two, {shown(flag_word)} and {shown(value.strip())}"
    replacement = REMOVED.get(use.name) or (flag.deprecated if flag else None)
    if replacement is not None:
        return f"{use.name} is {'deprecated' if flag else 'gone'}; " + (
            f"use {replacement}" if replacement else "leave it out"
        )
    if flag is None:
        return _unknown(module, use.name)
    if use.name in flag.obsolete:
        return f"{use.name} is an old name; use {flag.name}"
    if "." in use.name:
        return f"{use.name} sets one key; give {flag.name} the whole object as JSON"
    return None


def _unknown(module: str, name: str) -> str:
    runtime = _table()["runtime"]
    others = [other for other in _table()["modules"] if name in _flags(other)]
    elsewhere = f", but of {' and '.join(others)}" if others else nearest(name, tuple(_flags(module)))
    return f"{name} is not a flag of {module} (Dynamo {runtime['ai-dynamo']}, vLLM {runtime['vllm']}){elsewhere}"


def _value_faults(flag: Flag, use: _Use) -> Iterator[ArgumentFault]:
    takes = 0 if flag.type == "switch" else len(use.values) if flag.values == "many" else 1
    if not use.values and takes != 0 and flag.values != "optional":
        yield ArgumentFault(use.index, f"{use.name} needs {_WANTED[flag.type]}" + _of(flag.choices))
    for index, value in use.values[:takes]:
        for message in _wrong(flag, value):
            yield ArgumentFault(index, f"{use.name}: {message}")
    for index, value in use.values[takes:]:
        off = f"; to switch it off, give {flag.negative[0]}" if flag.negative else ""
        reason = f"takes no value{off}" if takes == 0 else "takes one value"
        yield ArgumentFault(index, f"{shown(value)} belongs to no flag: {use.name} {reason}")


_WANTED = {
    "text": "a value",
    "integer": "a whole number",
    "number": "a number",
    "size": "a whole number, such as 8192 or 8k",
    "sizeOrAuto": "a whole number, such as 8192 or 8k, or auto",
    "object": "a JSON object",
}
_FORMS = {
    "integer": r"[+-]?\d+",
    "number": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?",
    "size": r"[+-]?\d+|\d+(\.\d+)?[kmgt]|\d+[KMGT]",
    "sizeOrAuto": r"auto|[+-]?\d+|\d+(\.\d+)?[kmgt]|\d+[KMGT]",
}


def _of(choices: Sequence[str]) -> str:
    return f", one of {', '.join(choices)}" if choices else ""


def _wrong(flag: Flag, value: str) -> Iterator[str]:
    """What is wrong with a value; nothing for a right one."""
    if flag.nullable and value in ("", "None"):
        return
    if flag.choices:
        if value not in flag.choices:
            yield one_of(value, flag.choices)
    elif flag.type == "object":
        yield from _wrong_object(flag.keys, value)
    elif flag.type in _FORMS and not re.fullmatch(_FORMS[flag.type], value):
        yield f"got {shown(value)}; must be {_WANTED[flag.type]}"


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _wrong_object(keys: str | None, text: str) -> Iterator[str]:
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        yield f"is not JSON: {error.msg} at character {error.pos + 1}"
        return
    if not isinstance(parsed, dict):
        yield f"got {shown(parsed)}; must be a JSON object"
        return
    if keys is None:
        return
    given, known = cast(dict[str, Any], parsed), _table()["objects"][keys]
    for key, value in given.items():
        if key not in known:
            yield f"{key} is not a key of {keys}{nearest(key, tuple(known))}; allowed: {', '.join(known)}"
        # A connector from a module of its own is registered nowhere.
        elif not given.get(f"{key}_module_path") and (message := _wrong_key(known[key], value)):
            yield f"{key}: {message}"
    for kind in ("kv", "ec"):
        if given.get(f"{kind}_connector") and not given.get(f"{kind}_role"):
            yield f"{kind}_connector needs {kind}_role{_of(known[f'{kind}_role']['choices'])}"


def _wrong_key(known: Mapping[str, Any], value: Any) -> str | None:
    if value is None:
        return None if known.get("nullable") else "must not be null"
    if choices := known.get("choices"):
        return None if str(value) in choices else one_of(str(value), choices)
    allowed = _JSON_TYPES.get(known.get("type", ""))
    if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed)):
        return f"got {shown(value)}; must be of JSON's type {known['type']}"
    return None
