"""Plain blocks → Settings: what could be read, every error of shape, and the key paths whose value is left out."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import ValidationError

from reading import shape
from reading.errors import Fault
from reading.frozen import Frozen
from settings import shape_errors
from settings.schema import Settings
from settings.shape_errors import Place, key_path, keys_of

# Stands in for a required block while the rest is checked. Never returned: its absence is an error.
_STAND_INS: dict[str, Any] = {
    "project": "stand-in",
    "stack": "stand-in",
    "location": {"region": "us-central1", "zone": "us-central1-b"},
}

# Each attempt cuts deeper or higher; a stack file is not nested deeper than this.
_ATTEMPTS = 8


@dataclass(kw_only=True)
class Reading:
    """What could be read of a stack's blocks."""

    settings: Settings | None = None
    """Complete only when there is no error; None when no deployment is left to look at."""
    errors: list[Fault] = field(default_factory=list[Fault])
    left_out: set[str] = field(default_factory=set[str])
    """Key paths whose value was missing or wrong."""


def read(raw: Mapping[str, Any]) -> Reading:
    """The settings in `raw` and every error of shape.

    A wrong part is cut out and the rest validated again, so that one misspelt key does not hide a model that does
    not fit.
    """
    errors = [shape_errors.required([key]) for key in ("project", "location", "models") if key not in raw]
    reading = Reading(errors=errors, left_out={error.path for error in errors})
    blocks: dict[str, Any] = {**_STAND_INS, **json.loads(json.dumps(raw))}
    for attempt in range(_ATTEMPTS):
        try:
            reading.settings = Settings.from_wire(blocks)
            return reading
        except ValidationError as invalid:
            for e in _own(invalid):
                where = _wire(e["type"], [part for part in e["loc"] if part != "[key]"])
                if shape_errors.is_unset(e, where):
                    _cut(blocks, keys_of(where))
                    continue
                if attempt == 0:  # later ones come of the cuts
                    reading.errors.append(shape_errors.fault(e, where, raw))
                _leave_out(blocks, e["type"], where, reading.left_out)
        if not blocks.get("models"):
            break
    return reading


def _leave_out(blocks: dict[str, Any], kind: str, where: Place, left_out: set[str]) -> None:
    """Cuts the wrong part; its block where the part is missing, or was cut and is wrong again by its absence."""
    path = key_path(where)
    whole_block = kind == "missing" or path in left_out
    if kind != "extra_forbidden":
        left_out.add(path)
    keys = keys_of(where)
    _cut(blocks, keys[:-1] if whole_block else keys)


def _own(error: ValidationError) -> list[Mapping[str, Any]]:
    """The errors that are there for themselves: a list is also "too short" once its entries are wrong."""
    errors = [each for e in error.errors(include_url=False) for each in _of_tag(cast(Mapping[str, Any], e))]

    def holds_another(e: Mapping[str, Any]) -> bool:
        depth = len(e["loc"])
        return any(len(other["loc"]) > depth and other["loc"][:depth] == e["loc"] for other in errors)

    return [e for e in errors if not (e["type"] == "too_short" and holds_another(e))]


# How pydantic calls the error of a tag that selects no form of its block → how it would call that of the key itself.
_TAG_ERRORS = {"union_tag_invalid": "enum", "union_tag_not_found": "missing"}


def _of_tag(e: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
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
    union = shape.at(Settings, e["loc"])
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


def _wire(kind: str, where: Place) -> Place:
    """A place with the names of the wire: for a default that is wrong, pydantic gives the field's own name."""
    model = shape.bare(shape.at(Settings, where[:-1]))
    if kind != "extra_forbidden" and isinstance(model, type) and issubclass(model, Frozen) and where:
        field = model.model_fields.get(str(where[-1]))
        return [*where[:-1], (field and field.alias) or where[-1]]
    return where


def _cut(raw: dict[str, Any], where: Place) -> None:
    """Takes the part out of `raw`; a required block goes whole and its stand-in takes its place."""
    if not where:
        return
    if where[0] in _STAND_INS:
        raw[str(where[0])] = _STAND_INS[str(where[0])]
        return
    block: Any = raw
    for part in where[:-1]:
        block = cast(dict[Any, Any], block).get(part) if isinstance(block, dict) else None
    if isinstance(block, dict):  # else it went with its parent, or is an entry of a list: that goes in the next attempt
        cast(dict[Any, Any], block).pop(where[-1], None)
