"""A command line against the flags that the pinned runtime takes: engine-flags.json, which its own parsers wrote.

Stricter than the parsers where they are lax about spelling: no abbreviations, no underscores for dashes, no dotted
keys, no flag twice. So two lines that say the same thing look the same. docs/engine-flags.md has the whole list.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from catalog.flags.spelling import meant
from reading.errors import nearest, one_of, shown

TABLE = Path(__file__).parent / "engine-flags.json"

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
    """An error in one word of a command line. `index` counts from 0."""

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
    registered: Sequence[str] = ()
    """Names that the engine looks up when it starts; its parser takes any text."""
    min: float | None = None
    above: float | None = None
    max: float | None = None
    below: float | None = None
    """Bounds that the engine checks when it starts."""
    nullable: bool = False
    """Whether the word None stands for no value."""
    keys: str | None = None
    """The class whose keys the JSON object has; None where any key goes."""
    repeats: bool = False
    """Whether giving it again adds a value instead of replacing it."""


def faults(
    module: str,
    argv: Sequence[str],
    owned: Mapping[str, str] | None = None,
    usable: Mapping[str, Sequence[str]] | None = None,
) -> list[ArgumentFault]:
    """Every error of the module's arguments.

    `owned` names flags that are not the caller's to give, whatever the value, with the sentence that says why. `usable`
    are, by flag, the values that an error may propose where they are fewer than the runtime knows.
    """
    spellings = _flags(module)
    found: list[ArgumentFault] = []
    first_use: dict[str, int] = {}
    for use in uses(argv):
        this = spellings.get(use.name) or spellings.get(use.name.partition(".")[0])
        if sentence := (owned or {}).get(use.name) or (owned or {}).get(this.name if this else ""):
            found.append(ArgumentFault(use.index, f"{use.name} is not set here: {sentence}"))
        elif message := _name_fault(module, use, this, owned or {}):
            found.append(ArgumentFault(use.index, message))
        elif this:
            if this.name in first_use and not this.repeats:
                before = argv[first_use[this.name]].partition("=")[0]
                again = use.name if use.name == before else f"{use.name}, the same flag as {before},"
                found.append(ArgumentFault(use.index, f"{again} is given twice; only the last would count"))
            first_use.setdefault(this.name, use.index)
            found += _value_faults(this, use, (usable or {}).get(this.name))
    return found


def checked(module: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments as they are. Raises CommandLineRefused if the runtime would not take them."""
    if found := faults(module, argv):
        raise CommandLineRefused(f"python3 -m {module}: " + "; ".join(fault.message for fault in found))
    return argv


def known(module: str) -> Mapping[str, Flag]:
    """The flags of a module by their names, aliases and negative forms left out."""
    return {flag.name: flag for flag in _flags(module).values()}


def flag(module: str, spelling: str) -> Flag | None:
    """The flag that a module knows under that name, alias or negative form."""
    return _flags(module).get(spelling)


def number(value: str) -> float:
    """An integer, a number or a size such as 8k (8000) or 8K (8192). Raises ValueError for other text."""
    suffixes = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
    return float(value[:-1]) * suffixes[value[-1]] if value[-1:] in suffixes else float(value)


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
class Use:
    """A flag as given, with its values and where they are; words before the first flag have the name ""."""

    index: int
    name: str
    values: tuple[tuple[int, str], ...]


def uses(argv: Sequence[str]) -> Iterator[Use]:
    """The flags of a command line in their order, each with the words up to the next one."""
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


def _name_fault(module: str, use: Use, flag: Flag | None, owned: Mapping[str, str]) -> str | None:
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
    if flag is None and (level := re.fullmatch(r"-O(\d*)", use.name)):
        return f"{use.name} is a shorthand; give --optimization-level {level[1]}".rstrip()
    if flag is None:
        return _unknown(module, use.name, owned)
    if use.name in flag.obsolete:
        return f"{use.name} is an old name; use {flag.name}"
    if "." in use.name:
        return f"{use.name} sets one key; give {flag.name} the whole object as JSON"
    return None


def _unknown(module: str, name: str, owned: Mapping[str, str]) -> str:
    runtime = _table()["runtime"]
    others = [other for other in _table()["modules"] if name in _flags(other)]
    elsewhere = f", but of {' and '.join(others)}" if others else _proposal(name, _flags(module), owned)
    return f"{name} is not a flag of {module} (Dynamo {runtime['ai-dynamo']}, vLLM {runtime['vllm']}){elsewhere}"


def _proposal(name: str, known: Mapping[str, Flag], owned: Mapping[str, str]) -> str:
    """The flag that a misspelt one means; for one that is not the caller's to give, what to do instead."""
    proposed = meant(name, [word for word, f in known.items() if f.deprecated is None and word not in f.obsolete])
    if proposed is None:
        return ""
    why = owned.get(proposed) or owned.get(known[proposed].name)
    return f"; did you mean {proposed}?" + (f" It is not set here: {why}" if why else "")


def _value_faults(flag: Flag, use: Use, usable: Sequence[str] | None) -> Iterator[ArgumentFault]:
    takes = 0 if flag.type == "switch" else len(use.values) if flag.values == "many" else 1
    if not use.values and flag.type != "switch" and flag.values != "optional":
        yield ArgumentFault(use.index, f"{use.name} needs {_WANTED[flag.type]}" + _of(flag.choices))
    for index, value in use.values[:takes]:
        for message in _wrong(flag, value, usable):
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


def _wrong(flag: Flag, value: str, usable: Sequence[str] | None) -> Iterator[str]:
    """The errors of a value; none for a valid one."""
    if flag.nullable and value in ("", "None"):
        return
    if allowed := flag.choices or flag.registered:
        if value not in allowed:
            yield one_of(value, usable or allowed)
    elif flag.type == "object":
        yield from _wrong_object(flag.keys, value)
    elif flag.type in _FORMS and not re.fullmatch(_FORMS[flag.type], value):
        yield f"got {shown(value)}; must be {_WANTED[flag.type]}"
    elif flag.type in ("integer", "number", "size"):
        yield from _out_of_bounds(flag, value)


def _out_of_bounds(flag: Flag, value: str) -> Iterator[str]:
    given = number(value)
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
    allowed = _JSON_TYPES.get(known.get("type", ""))
    if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed)):
        return f"got {shown(value)}; must be of JSON's type {known['type']}"
    if (choices := known.get("choices")) and str(value) not in choices:
        return one_of(str(value), choices)
    if choices and "type" not in known and isinstance(value, str) and value.isdecimal():
        return f"got {shown(value)}; must be the number {value}, without quotes"
    return None
