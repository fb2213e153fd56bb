"""The JSON Schema of a model as editors use it: draft 7, with descriptions, defaults and messages, without references.

Not pydantic's own generator, which loses the pattern behind a validator, allows any key beside a pattern of keys, and
describes a union of blocks as alternatives, of which an editor can only say that none matches.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import Strict
from pydantic.fields import FieldInfo

from reading import docstrings
from reading.catalog_names import NameOf
from reading.frozen import Frozen
from reading.schema_rules import FILE, when

Schema = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"

_TYPES: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_BOUNDS = {Ge: ("ge", "minimum"), Gt: ("gt", "exclusiveMinimum"), Le: ("le", "maximum"), Lt: ("lt", "exclusiveMaximum")}
_MIN_LENGTH = {"object": "minProperties", "array": "minItems", "string": "minLength"}


def of(model: type[Frozen]) -> Schema:
    """The schema of a block. Rules between its keys come from `json_schema_extra` of its configuration."""
    documented = docstrings.of_attributes(model)
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": {}}
    for name, field in model.model_fields.items():
        schema["properties"][field.alias or name] = _field(field, documented.get(name, ""))
    if required := [field.alias or name for name, field in model.model_fields.items() if field.is_required()]:
        schema["required"] = required
    if text := docstrings.one_line(model.__doc__):
        schema = {"description": text, **schema}
    return _with_extra(schema, model.model_config.get("json_schema_extra"))


def nullable(schema: Schema) -> Schema:
    """The schema, with null allowed."""
    if "type" not in schema:
        return schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    wider: Schema = {"type": [*kinds(schema), "null"]}
    if "enum" in schema:
        wider["enum"] = [*schema["enum"], None]
    return schema | wider


def kinds(schema: Schema) -> list[str]:
    """The JSON types of a schema."""
    given: Any = schema["type"]
    return [given] if isinstance(given, str) else [*given]


def _field(field: FieldInfo, documented: str) -> Schema:
    schema = _value(field.annotation, [field])
    if documented:
        form = schema.pop("description", "")
        about_form = [form] if form and "properties" not in schema else []
        schema = {"description": _sentences(documented, *about_form), **schema}
    if not field.is_required():
        default = field.get_default(call_default_factory=True, validated_data={})
        if default not in (None, "", (), {}) and not isinstance(default, Frozen):
            schema["default"] = [*default] if isinstance(default, tuple) else default
    return schema


def _with_extra(schema: Schema, extra: Any) -> Schema:
    """The schema with the `json_schema_extra` of a model or field: keywords, or a function that sets them."""
    if callable(extra):
        extra(schema)
        return schema
    return schema | (extra or {})


def _value(annotation: Any, marks: list[Any]) -> Schema:
    """The schema of a type, with the marks around it."""
    if hasattr(annotation, "__metadata__"):
        return _value(get_args(annotation)[0], [*annotation.__metadata__, *marks])
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not NoneType]
        whole = _value(members[0], marks) if len(members) == 1 else _union(members, marks)
        return nullable(whole) if NoneType in get_args(annotation) else whole
    return _constrained(_plain(annotation), marks)


def _plain(annotation: Any) -> Schema:
    """The schema of a type without marks."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _value(arguments[0], [])}
    if origin is dict:
        names = _value(arguments[0], [])
        return {
            "type": "object",
            "propertyNames": {key: names[key] for key in ("pattern", "patternErrorMessage", "not") if key in names},
            "additionalProperties": _value(arguments[1], []),
        }
    if issubclass(annotation, Frozen):
        return of(annotation)
    if issubclass(annotation, StrEnum):
        return _enum({member.value: docstrings.of_attributes(annotation).get(member.name, "") for member in annotation})
    return {"type": _TYPES[annotation]}


def _enum(described: Mapping[str, str]) -> Schema:
    """Text of a closed set, each with its description."""
    schema: Schema = {"type": "string", "enum": list(described)}
    return schema | ({"enumDescriptions": list(described.values())} if any(described.values()) else {})


def _constrained(schema: Schema, marks: Iterable[Any]) -> Schema:
    """The schema with what the marks say: bounds, patterns, names, examples, and the rule in words."""
    marks = list(_flat(marks))
    for mark in marks:
        if isinstance(mark, NameOf):
            names = _enum(mark.names())
            schema = {"anyOf": [names, {"type": "string", "pattern": FILE}]} if mark.file else names
            schema |= {"description": f"Or the path of your own file, such as {mark.file}."} if mark.file else {}
        elif type(mark) in _BOUNDS:
            attribute, keyword = _BOUNDS[type(mark)]
            schema[keyword] = getattr(mark, attribute)
        elif isinstance(mark, MinLen):
            schema[_MIN_LENGTH[schema["type"]]] = mark.min_length
        elif isinstance(mark, Strict) and not mark.strict and schema["type"] == "number":
            schema |= {"type": ["number", "string"], "pattern": r"^[0-9]*\.[0-9]+$"}  # such as "0.9"
        elif pattern := getattr(mark, "pattern", None):
            schema["pattern"] = pattern
        elif isinstance(mark, FieldInfo):
            schema = _with_extra(schema, mark.json_schema_extra)
            schema |= {"examples": mark.examples} if mark.examples else {}
    rule = next((mark.description for mark in marks if isinstance(mark, FieldInfo) and mark.description), None)
    if rule and "properties" not in schema:
        schema["description"] = _sentences(f"Must be {rule}")
        schema |= {"patternErrorMessage": f"must be {rule}"} if "pattern" in schema else {}
    return schema


def _flat(marks: Iterable[Any]) -> Iterator[Any]:
    """The marks, each FieldInfo followed by the marks that it holds."""
    for mark in marks:
        yield mark
        if isinstance(mark, FieldInfo):
            yield from mark.metadata


def _sentences(*parts: str) -> str:
    """Parts as sentences, each with its capital and full stop."""
    return " ".join(f"{part[:1].upper()}{part[1:].rstrip('.')}." for part in parts)


def _union(members: list[type[Frozen]], marks: list[Any]) -> Schema:
    """Blocks that differ by a tag, as one block with the keys of all: which of them a tag allows is a condition.

    Unlike alternatives, this lets an editor name the key that is wrong.
    """
    tag = next(str(mark.discriminator) for mark in _flat(marks) if isinstance(mark, FieldInfo) and mark.discriminator)
    variants = {get_args(member.model_fields[tag].annotation)[0]: (member, of(member)) for member in members}
    properties: Schema = {}
    for _, schema in variants.values():
        for key, value in schema["properties"].items():
            if properties.setdefault(key, value) != value:
                properties[key].pop("default", None)
    properties[tag] |= _enum({name: _about(member) for name, (member, _) in variants.items()})
    conditions: list[Schema] = []
    of_some = [key for key in properties if any(key not in schema["properties"] for _, schema in variants.values())]
    for name, (_, schema) in variants.items():
        unset = {"type": "null", "errorMessage": f"has no effect with {tag} {name}; remove it"}
        own = schema["properties"]
        then = {key: {"type": own[key]["type"]} if key in own else unset for key in of_some}
        conditions.append(when(tag, name, {"properties": then, "required": schema["required"]}))
    properties |= {key: nullable(properties[key]) for key in of_some}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": [tag],
        "allOf": conditions,
    }


def _about(member: type[Frozen]) -> str:
    """What a variant is: its own docstring, else that of its module, which then has no other subject."""
    return docstrings.one_line(member.__doc__ or sys.modules[member.__module__].__doc__)
