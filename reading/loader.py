"""Plain data → a type: what could be read, every error of shape, and the key paths whose value is left out."""

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
"""An error as pydantic gives it, and its place with the names of the wire."""

# Each attempt cuts deeper or higher; no file is nested deeper than this.
_ATTEMPTS = 8


@dataclass(kw_only=True)
class Reading(Generic[Result]):
    """What could be read of the data."""

    result: Result | None = None
    """Complete only when there is no error; None where too much is wrong to read the rest."""
    errors: list[Error] = field(default_factory=list[Error])
    left_out: set[str] = field(default_factory=set[str])
    """Key paths whose value was missing or wrong."""


def read(model: type[Result], raw: Mapping[str, Any], stand_ins: Mapping[str, Any]) -> Reading[Result]:
    """The type in `raw` and every error of shape.

    A wrong part is cut out and the rest validated again, so that one misspelt key does not hide what else is wrong.
    `stand_ins` take the place of required blocks that are missing or wrong; a result with one is never without error.
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
        if attempt == 0:  # later ones come of the cuts
            reading.errors += _told(model, found, raw)
        known = len(reading.left_out)
        cuts = [_cut(blocks, _to_cut(model, e, where, reading.left_out), stand_ins) for e, where in found]
        if not any(cuts) and len(reading.left_out) == known:
            break
    return reading


def _told(model: type[Frozen], found: list[Located], raw: Mapping[str, Any]) -> list[Error]:
    unset = shape_errors.is_unset
    return [shape_errors.error(model, e, where, raw) for e, where in found if not unset(model, e, where)]


def _to_cut(model: type[Frozen], e: Mapping[str, Any], where: Place, left_out: set[str]) -> Place:
    """The wrong part; its block where the part is missing, or was cut and is wrong again by its absence."""
    keys = shape.without_tags(model, where)
    if shape_errors.is_unset(model, e, where):
        return keys
    path = shape_errors.key_path(model, where)
    whole_block = e["type"] == "missing" or path in left_out
    if e["type"] != "extra_forbidden":
        left_out.add(path)
    return keys[:-1] if whole_block else keys


def _located(model: type[Frozen], invalid: ValidationError) -> Iterator[Located]:
    """Each error with its place, which names the form that a union took as pydantic does.

    A list is also "too short" once its entries are wrong: of such errors only those of the entries.
    """
    errors = [each for e in invalid.errors(include_url=False) for each in _of_tag(model, cast(Mapping[str, Any], e))]

    def holds_another(e: Mapping[str, Any]) -> bool:
        depth = len(e["loc"])
        return any(len(other["loc"]) > depth and other["loc"][:depth] == e["loc"] for other in errors)

    for e in errors:
        if e["type"] != "too_short" or not holds_another(e):
            yield e, _wire(model, e["type"], [part for part in e["loc"] if part != "[key]"])


# How pydantic calls the error of a tag that selects no form of its block → how it would call that of the key itself.
_TAG_ERRORS = {"union_tag_invalid": "enum", "union_tag_not_found": "missing"}


def _of_tag(model: type[Frozen], e: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """An error, as one of the tag itself where pydantic has it of the whole block; then those that every form has."""
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
    """A place with the names of the wire: for a default that is wrong, pydantic gives the field's own name."""
    block = shape.bare(shape.at(model, where[:-1]))
    if kind != "extra_forbidden" and isinstance(block, type) and issubclass(block, Frozen) and where:
        declared = block.model_fields.get(str(where[-1]))
        return [*where[:-1], (declared and declared.alias) or where[-1]]
    return where


def _cut(blocks: dict[str, Any], where: Place, stand_ins: Mapping[str, Any]) -> bool:
    """Takes the part out; a list goes whole, and a required block, for its stand-in. Whether anything was cut."""
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
        return False  # it went with its parent
    del block[keys[-1]]
    return True


def text_or_data(text: str) -> Any:
    """The value in a text; text that holds no JSON stays text, and its shape is an error later."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
