"""Parts of a JSON Schema for `json_schema_extra` of a model or field: rules between keys, and old names. Plain data."""

from typing import Any

Part = dict[str, Any]

FILE = r"\.yaml$"
"""Pattern of the path of a user's own file."""

OLD_NAME: Part = {"deprecated": True, "doNotSuggest": True}
"""Marks an old name, which editors accept and never propose. Without `deprecationMessage`, which the YAML language
server shows as an error."""


def when(key: str, value: str, then: Part, otherwise: Part | None = None) -> Part:
    """A rule for blocks in which `key` has that value, and one for all others."""
    rule = {"if": {"properties": {key: {"const": value}}, "required": [key]}, "then": then}
    return rule | ({"else": otherwise} if otherwise else {})


def at_least_one(keys: dict[str, str]) -> Part:
    """A rule that one of these keys is set: key → its JSON type."""
    return {"anyOf": [_set(key, kind) for key, kind in keys.items()]}


def exactly_one(keys: dict[str, str]) -> Part:
    """A rule that one of these keys is set and no other: key → its JSON type."""
    return {"oneOf": [_set(key, kind) for key, kind in keys.items()]}


def _set(key: str, kind: str) -> Part:
    return {"required": [key], "properties": {key: {"type": kind}}}
