"""Words pydantic's errors: with key path, given value, allowed values, and the nearest valid value."""

import re
from collections.abc import Mapping
from typing import Any

from reading import shape, spelling
from reading.catalog_names import NameOf
from reading.errors import Error, Fix, closest, join, shown
from reading.frozen import Frozen

Place = list[str | int]
"""Keys and list indexes that lead to a value in the data."""

Model = type[Frozen]


def error(model: Model, e: Mapping[str, Any], where: Place, raw: Mapping[str, Any]) -> Error:
    """The error that pydantic found at `where` in `raw`."""
    return Error(key_path(model, where), message(model, e, where), _fixes(model, e, where, raw))


def required(model: Model, where: Place) -> Error:
    """The error of a missing required key."""
    return Error(key_path(model, where), _required(model, where))


def key_path(model: Model, where: Place) -> str:
    """The path of a place as in the file."""
    given = shape.how_to_set(shape.at(model, where))
    return (given and given.path) or join("", *shape.without_tags(model, where))


_WORDS = ("enum", "literal_error")
"""Pydantic's types of an error for a word outside a closed set."""

_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "text (quote it)",
    "bool": "true or false",
    "dict": "an object",
    "tuple": "a list",
    "model": "an object",
    "model_attributes": "an object",
}


def message(model: Model, e: Mapping[str, Any], where: Place) -> str:
    """The message of an error that pydantic found at `where`."""
    kind, given, context = str(e["type"]), e["input"], e.get("ctx", {})
    if kind == "missing":
        return _required(model, where)
    if kind == "extra_forbidden":
        if mark := shape.variant_only(model, where):
            return mark.message.format(tag=where[-2], given=given if isinstance(given, str) else shown(given))
        return f"is not a key here; allowed: {', '.join(shape.keys(shape.at(model, where[:-1])))}"
    if kind == "value_error":
        return str(e["msg"]).removeprefix("Value error, ")
    if kind in _WORDS:
        allowed = re.findall(r"'([^']*)'", str(context["expected"]))
        return f"{shown(given)} is not one of {', '.join(allowed)}"
    if kind == "string_pattern_mismatch":
        return f"{shown(given)} is not {shape.rule(_place(model, e, where))}"
    if kind == "too_short":
        return f"is empty; name at least one{shape.example(shape.at(model, where))}"
    bounds = {
        "greater_than_equal": ("ge", "at least"),
        "greater_than": ("gt", "more than"),
        "less_than_equal": ("le", "at most"),
        "less_than": ("lt", "less than"),
    }
    if kind in bounds:
        key, words = bounds[kind]
        return f"got {shown(given)}; must be {words} {context[key]}"
    wanted = _WANTED.get(kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float"))
    return f"got {shown(given)}; must be {wanted}" if wanted else f"got {shown(given)}; {e['msg']}"


def _place(model: Model, e: Mapping[str, Any], where: Place) -> Any:
    """The declaration that an error is about: the value's, or the key's."""
    return shape.key_type(model, where) if e["loc"][-1] == "[key]" else shape.at(model, where)


def _value(raw: Any, keys: Place) -> Any:
    for part in keys:
        raw = raw[part]
    return raw


def _fixes(model: Model, e: Mapping[str, Any], where: Place, raw: Mapping[str, Any]) -> tuple[Fix, ...]:
    """The fixes to propose for an unknown key or value, or for a value of the wrong form."""
    path, given = key_path(model, where), e["input"]
    if e["type"] in _WORDS and isinstance(given, str):  # null does not mean `none`, nor false `off`
        like = closest(given, re.findall(r"'([^']*)'", str(e["ctx"]["expected"])))
        changes = {path: like}
    elif e["type"] == "extra_forbidden" and not shape.variant_only(model, where):
        like = closest(str(where[-1]), shape.keys(shape.at(model, where[:-1])))
        changes = {path: None, key_path(model, [*where[:-1], like or ""]): given}
    elif e["type"] == "string_pattern_mismatch":
        like = spelling.like(given, str(e["ctx"]["pattern"]))
        keys = shape.without_tags(model, where)
        is_key = e["loc"][-1] == "[key]"
        renamed = join("", *keys[:-1], like or "")
        changes = {join("", *keys): None, renamed: _value(raw, keys)} if is_key else {join("", *keys): like}
    else:
        return ()
    return (Fix(f"did you mean {like}?", changes, spelling=True),) if like else ()


def is_unset(model: Model, e: Mapping[str, Any], where: Place) -> bool:
    """Whether an error is about a null key of another variant, which sets nothing."""
    return e["type"] == "extra_forbidden" and e["input"] is None and shape.variant_only(model, where) is not None


def _required(model: Model, where: Place) -> str:
    declared = shape.at(model, where)
    given = shape.how_to_set(declared)
    marks = [mark for mark in getattr(declared, "metadata", ()) if isinstance(mark, NameOf)]
    allowed = [name for mark in marks for name in mark.names()]
    allowed = allowed or shape.words(shape.at(model, where[:-1]), str(where[-1]))
    files = "".join(f", or a file such as {mark.file}" for mark in marks if mark.file)
    which = f"; one of {', '.join(allowed)}{files}" if allowed else shape.example(declared)
    return f"is required{which}" + (f"; {given.how}" if given else "")
