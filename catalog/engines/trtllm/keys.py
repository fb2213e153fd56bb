"""Keys of TensorRT-LLM's own arguments as flags, `--trtllm.KEY VALUE`, which Dynamo's parser passes on unchecked.

Dynamo reads each value as none, a whole number, a number, true or false, otherwise as text. At start the engine refuses
unknown keys and values of the wrong type.
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
_LIST = "it takes a list, and a list that is set here stays text, which stops the engine at start; remove it"
_OBJECT = "it is an object; set one of its keys, as {name}.KEY VALUE"
_NO_KEYS = "it is an object, and none of its keys can be set here; remove it"


@cache
def _keys() -> Mapping[str, Mapping[str, Any]]:
    """Key → its types and bounds, as written by tools/trtllm_keys.py."""
    return json.loads(TABLE.read_text(encoding="utf-8"))["keys"]


@cache
def flags() -> Mapping[str, Flag]:
    """A flag for every key, including lists and objects; `refused` says why a stack cannot set those."""
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
    """Key that no single value can set → the reason. An object that may be none can be set."""
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
    """Flag and value of every key that is set, as two words, because `--trtllm.KEY=VALUE` does not parse."""
    return tuple(_words("--trtllm", arguments))


def _words(path: str, arguments: Frozen) -> Iterator[str]:
    for name, value in arguments:
        if isinstance(value, Frozen):
            yield from _words(f"{path}.{name}", value)
        elif value is not None:
            yield from (f"{path}.{name}", str(value).lower() if isinstance(value, bool) else str(value))
