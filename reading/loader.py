"""Reads plain data as a type: the result as far as possible, every schema error, and the key paths left out."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from reading import shape, shape_errors
from reading.errors import Error
from reading.frozen import Frozen
from reading.shape_errors import Place

Result = TypeVar("Result", bound=Frozen)
Located = tuple[Mapping[str, Any], Place]
"""An error of pydantic, and its place with the keys of the file."""

# Max attempts. Each removes a deeper or higher part, and no file is nested deeper than this.
_ATTEMPTS = 8


@dataclass(kw_only=True)
class Reading(Generic[Result]):
    """The result of reading data."""

    result: Result | None = None
    """The type, complete only without errors; None if the valid rest is too small to read."""
    errors: list[Error] = field(default_factory=list[Error])
    left_out: set[str] = field(default_factory=set[str])
    """Key paths with a missing or invalid value."""


def read(model: type[Result], raw: Mapping[str, Any], stand_ins: Mapping[str, Any]) -> Reading[Result]:
    """Reads `raw` as a type and finds every schema error.

    Removes an invalid part and validates the rest again, so that one misspelled key does not hide other errors.
    `stand_ins` replace required blocks that are missing or invalid; a result with a stand-in always has an error.
    """
    missing = [shape_errors.required(model, [key]) for key in stand_ins if key not in raw]
    reading = Reading[Result](errors=missing, left_out={error.path for error in missing})
    blocks: dict[str, Any] = {**stand_ins, **json.loads(json.dumps(raw))}
    for attempt in range(_ATTEMPTS):
        try:
            reading.result = model.from_wire(blocks)
        except ValidationError as invalid:
            found = list(_located(model, invalid))
        else:
            break
        if attempt == 0:  # later errors are caused by the removals
            reading.errors += _worded(model, found, raw)
        known = len(reading.left_out)
        cuts = [_cut(blocks, _to_cut(model, e, where, reading.left_out), stand_ins) for e, where in found]
        if not any(cuts) and len(reading.left_out) == known:
            break
    return reading


def _worded(model: type[Frozen], found: list[Located], raw: Mapping[str, Any]) -> list[Error]:
    unset = shape_errors.is_unset
    return [shape_errors.error(model, e, where, raw) for e, where in found if not unset(model, e, where)]


def _to_cut(model: type[Frozen], e: Mapping[str, Any], where: Place, left_out: set[str]) -> Place:
    """The part to remove: the invalid one, or its block where the part is missing or was already removed."""
    keys = shape.without_tags(model, where)
    if shape_errors.is_unset(model, e, where):
        return keys
    path = shape_errors.key_path(model, where)
    whole_block = e["type"] == "missing" or path in left_out
    if e["type"] != "extra_forbidden":
        left_out.add(path)
    return keys[:-1] if whole_block else keys


def _located(model: type[Frozen], invalid: ValidationError) -> Iterator[Located]:
    """Each error with its place, which, like pydantic's, includes the variant of a union.

    A list with invalid entries is also "too short"; only the errors of the entries are kept.
    """
    errors = [each for e in invalid.errors(include_url=False) for each in _of_tag(model, cast(Mapping[str, Any], e))]

    def holds_another(e: Mapping[str, Any]) -> bool:
        depth = len(e["loc"])
        return any(len(other["loc"]) > depth and other["loc"][:depth] == e["loc"] for other in errors)

    for e in errors:
        if e["type"] != "too_short" or not holds_another(e):
            yield e, _wire(model, e["type"], [part for part in e["loc"] if part != "[key]"])


# Pydantic's type of a union error caused by the tag → the type of the same error at the tag's own key.
_TAG_ERRORS = {"union_tag_invalid": "enum", "union_tag_not_found": "missing"}


def _of_tag(model: type[Frozen], e: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """An error, moved to the tag if pydantic reports it for the block; then the errors that all variants share."""
    if e["type"] not in _TAG_ERRORS:
        yield e
        return
    key, block = str(e["ctx"]["discriminator"]).strip("'"), cast(dict[str, Any], e["input"])
    yield {
        **e,
        "type": _TAG_ERRORS[e["type"]],
        "loc": (*e["loc"], key),
        "input": block.get(key),
        "ctx": {"expected": e["ctx"].get("expected_tags", "")},
    }
    union = shape.at(model, e["loc"])
    of_forms = [
        {(tuple(inner["loc"]), inner["type"]): inner for inner in _errors(form, {**block, key: tag})}
        for tag, form in zip(shape.tags(union, key), shape.blocks(union), strict=True)
    ]
    for (loc, kind), inner in of_forms[0].items():
        if all((loc, kind) in others for others in of_forms):
            yield {**inner, "loc": (*e["loc"], *loc)}


def _errors(form: type[Frozen], block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    try:
        form.from_wire(block)
    except ValidationError as invalid:
        return [cast(Mapping[str, Any], e) for e in invalid.errors(include_url=False)]
    return []


def _wire(model: type[Frozen], kind: str, where: Place) -> Place:
    """A place with the keys of the file: for an invalid default, pydantic gives the Python name of the field."""
    block = shape.bare(shape.at(model, where[:-1]))
    if kind != "extra_forbidden" and isinstance(block, type) and issubclass(block, Frozen) and where:
        declared = block.model_fields.get(str(where[-1]))
        return [*where[:-1], (declared and declared.alias) or where[-1]]
    return where


def _cut(blocks: dict[str, Any], where: Place, stand_ins: Mapping[str, Any]) -> bool:
    """Removes a part: a list as a whole, a required block in exchange for its stand-in. Returns whether it did."""
    keys = [str(part) for part in itertools.takewhile(lambda part: isinstance(part, str), where)]
    if not keys:
        return False
    if keys[0] in stand_ins:
        blocks[keys[0]] = stand_ins[keys[0]]
        return True
    block: Any = blocks
    for key in keys[:-1]:
        block = cast(dict[str, Any], block).get(key) if isinstance(block, dict) else None
    if not isinstance(block, dict) or keys[-1] not in block:
        return False  # already removed with its parent
    del block[keys[-1]]
    return True


def text_or_data(text: str) -> Any:
    """The JSON value in a text, or the text itself if it is no JSON; a later check reports its type."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
