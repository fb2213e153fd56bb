"""How an error of shape is worded: pydantic's own, with the key path, what was given, what is allowed, a near value."""

import re
from collections.abc import Mapping
from typing import Any

from reading import shape, spelling
from reading.errors import Fault, Way, closest, join, shown
from settings.schema import Settings

Place = list[str | int]
"""Where in a stack's blocks: keys and list indexes."""


def fault(e: Mapping[str, Any], where: Place, raw: Mapping[str, Any]) -> Fault:
    """The error that pydantic found at `where` in the blocks `raw`."""
    return Fault(key_path(where), _message(e, where), _ways(e, where, raw))


def required(where: Place) -> Fault:
    """The error of a required key that is not given."""
    return Fault(key_path(where), _required(where))


def key_path(where: Place) -> str:
    path = join("", *keys_of(where))
    return "gcp:project" if path == "project" else path


def keys_of(where: Place) -> Place:
    """Where in a stack file: pydantic also names the form of a block that has several."""
    return shape.without_tags(Settings, where)


_WORDS = ("enum", "literal_error")
"""How pydantic calls the error of a word outside a closed set."""

_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "text (quote it in the stack file)",
    "bool": "true or false",
    "dict": "an object",
    "tuple": "a list",
    "model": "an object",
    "model_attributes": "an object",
}


def _message(e: Mapping[str, Any], where: Place) -> str:
    kind, given, context = str(e["type"]), e["input"], e.get("ctx", {})
    if kind == "missing":
        return _required(where)
    if kind == "extra_forbidden":
        if elsewhere := shape.elsewhere(Settings, where):
            return elsewhere.message.format(tag=where[-2], given=given if isinstance(given, str) else shown(given))
        return f"is not a key here; allowed: {', '.join(shape.keys(shape.at(Settings, where[:-1])))}"
    if kind == "value_error":
        return str(e["msg"]).removeprefix("Value error, ")
    if kind in _WORDS:
        allowed = re.findall(r"'([^']*)'", str(context["expected"]))
        return f"{shown(given)} is not one of {', '.join(allowed)}"
    if kind == "string_pattern_mismatch":
        return f"{shown(given)} is not {shape.rule(_place(e, where))}"
    if kind == "too_short":
        return f"is empty; name at least one{shape.example(shape.at(Settings, where))}"
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


def _place(e: Mapping[str, Any], where: Place) -> Any:
    """The declaration that an error is about: of the value, or of the key itself."""
    return shape.key_type(Settings, where) if e["loc"][-1] == "[key]" else shape.at(Settings, where)


def _value(raw: Any, where: Place) -> Any:
    for part in keys_of(where):
        raw = raw[part]
    return raw


def _ways(e: Mapping[str, Any], where: Place, raw: Mapping[str, Any]) -> tuple[Way, ...]:
    """The value or key that may be meant by one that is not known, or not of the form it must have."""
    path, given = key_path(where), e["input"]
    if e["type"] in _WORDS and isinstance(given, str):  # null is not meant for `none`, nor false for `off`
        like = closest(given, re.findall(r"'([^']*)'", str(e["ctx"]["expected"])))
        changes = {path: like}
    elif e["type"] == "extra_forbidden" and not shape.elsewhere(Settings, where):
        like = closest(str(where[-1]), shape.keys(shape.at(Settings, where[:-1])))
        changes = {path: None, key_path([*where[:-1], like or ""]): given}
    elif e["type"] == "string_pattern_mismatch":
        like = spelling.like(given, str(e["ctx"]["pattern"]))
        here = join("", *keys_of(where))
        is_key = e["loc"][-1] == "[key]"
        renamed = join("", *keys_of(where[:-1]), like or "")
        changes = {here: None, renamed: _value(raw, where)} if is_key else {here: like}
    else:
        return ()
    return (Way(f"did you mean {like}?", changes, spelling=True),) if like else ()


def is_unset(e: Mapping[str, Any], where: Place) -> bool:
    """Whether an error is of a key that another form of its block has, and that is null: that sets nothing."""
    return e["type"] == "extra_forbidden" and e["input"] is None and shape.elsewhere(Settings, where) is not None


def _required(where: Place) -> str:
    hint = "; set it with `pulumi config set gcp:project PROJECT`" if where == ["project"] else ""
    return f"is required{shape.example(shape.at(Settings, where))}{hint}"
