"""Keys of TensorRT-LLM's own arguments as flags, `--trtllm.KEY VALUE`: Dynamo's parser passes them on unread.

Dynamo reads each value as none, a whole number, a number, true or false, and as text else. The engine refuses an
unknown key, and a value of another type than its key's, when it starts.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from catalog.flags.table import Flag
from reading.frozen import Frozen

TABLE = Path(__file__).with_name("engine_keys.json")
PREFIX = "--trtllm."

_NULLS = ("none", "null")
_LIST = "it takes a list, and a list that is given here stays text, which stops the engine when it starts; leave it out"
_OBJECT = "it is an object; give one of its keys, as {name}.KEY VALUE"
_NO_KEYS = "it is an object, and no key of it can be given here; leave it out"


@cache
def _keys() -> Mapping[str, Mapping[str, Any]]:
    """What each key takes, as tools/trtllm_keys.py wrote it."""
    return json.loads(TABLE.read_text(encoding="utf-8"))["keys"]


@cache
def flags() -> Mapping[str, Flag]:
    """A flag for every key, lists and objects included: `refused` says why a stack gives none."""
    return {f"{PREFIX}{key}": _flag(f"{PREFIX}{key}", known) for key, known in _keys().items()}


def _flag(name: str, known: Mapping[str, Any]) -> Flag:
    types = set(known["types"])
    nullable, deprecated = "null" in types, "" if known.get("deprecated") else None
    words = (*(("true", "false") if "boolean" in types else ()), *known.get("choices", ()))
    bounds = {bound: known[bound] for bound in ("min", "above", "max", "below") if bound in known}
    numeric = "number" if "number" in types else "integer" if "integer" in types else None
    if numeric:
        return Flag(name=name, type=numeric, nullable=nullable, nulls=_NULLS, deprecated=deprecated, **bounds)
    if words or types == {"null", "object"}:
        choices = (*words, *(_NULLS[:1] if nullable else ()))
        return Flag(name=name, type="text", choices=choices, deprecated=deprecated)
    return Flag(name=name, type="word", nullable=nullable, nulls=_NULLS, deprecated=deprecated)


@cache
def refused() -> Mapping[str, str]:
    """The keys that single values cannot set, each with the reason. An object that may be none is no such key."""
    found: dict[str, str] = {}
    for key, known in _keys().items():
        types = set(known["types"]) - {"null"}
        if types == {"list"}:
            found[f"{PREFIX}{key}"] = _LIST
        elif types == {"object"} and "null" not in known["types"]:
            below = any(other.startswith(f"{key}.") for other in _keys())
            found[f"{PREFIX}{key}"] = _OBJECT.format(name=f"{PREFIX}{key}") if below else _NO_KEYS
    return found


def words(arguments: Frozen) -> tuple[str, ...]:
    """Flag and value for every key that is set: two words each, since `--trtllm.KEY=VALUE` does not parse."""
    return tuple(_words("--trtllm", arguments))


def _words(path: str, arguments: Frozen) -> Iterator[str]:
    for name, value in arguments:
        if isinstance(value, Frozen):
            yield from _words(f"{path}.{name}", value)
        elif value is not None:
            yield from (f"{path}.{name}", str(value).lower() if isinstance(value, bool) else str(value))
