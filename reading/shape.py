"""Finds the declaration of a pydantic model at a key path, for messages and for values given as text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from reading.frozen import Frozen


@dataclass(frozen=True)
class VariantOnly:
    """Marks a key that only some variants of a union have, with the message for the key in another variant.

    `{tag}` stands for that variant's tag, `{given}` for the value.
    """

    message: str


@dataclass(frozen=True)
class HowToSet:
    """Marks a key that is set by a command, with the instructions to set or find its value."""

    how: str
    path: str = ""
    """Key path in the stack file, if it differs from the place in the blocks."""


def at(model: type[Frozen], where: Sequence[str | int], *, tagged: bool = True) -> Any:
    """The declaration at a path: a FieldInfo, a model class or an annotation; None for an undeclared key.

    `tagged`: the path, like pydantic's, includes the variant of a union.
    """
    here: Any = model
    for part in where:
        here = (None if tagged else _declared(here, str(part))) or _inside(here, str(part))
        if here is None:
            return None
    return here


def without_tags(model: type[Frozen], where: Sequence[str | int]) -> list[str | int]:
    """A place as in the file, without the variants of unions that pydantic's place includes."""
    here: Any = model
    found: list[str | int] = []
    for part in where:
        if not _tagged(here, str(part)):
            found.append(part)
        here = _inside(here, str(part))
    return found


def tags(here: Any, discriminator: str) -> list[str]:
    """The tag values that select the variants of a union."""
    fields_ = (block.model_fields.get(discriminator) for block in blocks(here))
    return [str(tag) for field in fields_ if field for tag in get_args(field.annotation)]


def words(here: Any, key: str) -> list[str]:
    """The closed set of words that a key may have, in a block or in any variant of a union; empty for an open set."""
    types = (bare(f) for block in blocks(here) for name, f in block.model_fields.items() if key in (name, f.alias))
    return [
        str(word.value if isinstance(word, Enum) else word)
        for type_ in types
        for word in (get_args(type_) if get_origin(type_) is Literal else type_ if _is_enum(type_) else ())
    ]


def _is_enum(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, Enum)


def bare(here: Any) -> Any:
    """The model class, `dict[...]`, `tuple[...]` or plain type under FieldInfo, Annotated and `| None`."""
    annotation = here.annotation if isinstance(here, FieldInfo) else here
    if hasattr(annotation, "__metadata__"):
        return bare(get_args(annotation)[0])
    arguments = [arg for arg in get_args(annotation) if arg is not type(None)]
    if type(None) in get_args(annotation) and len(arguments) == 1:
        return bare(arguments[0])
    return annotation


def keys(here: Any) -> list[str]:
    """The keys of a block in files; empty if `here` is no block."""
    listed = (field.alias or name for block in blocks(here) for name, field in block.model_fields.items())
    return list(dict.fromkeys(listed))


def variant_only(model: type[Frozen], where: Sequence[str | int]) -> VariantOnly | None:
    """The message mark of a key that belongs to another variant of a union than the given one; None for other keys."""
    union = at(model, where[:-2])
    if len(where) < 2 or not _tagged(union, str(where[-2])) or not (declared := _declared(union, str(where[-1]))):
        return None
    marks = (mark for field in fields(declared) for mark in field.metadata)
    unmarked = VariantOnly("has no effect with {tag}; remove it")
    return next((mark for mark in marks if isinstance(mark, VariantOnly)), unmarked)


def how_to_set(here: Any) -> HowToSet | None:
    """The instructions to set a key; None for a key without that mark."""
    marks = (mark for mark in getattr(here, "metadata", ()) if isinstance(mark, HowToSet))
    return next(marks, None)


def blocks(here: Any) -> list[type[Frozen]]:
    """The model class of a place, or all of a union; empty if `here` is no block."""
    annotation = bare(here)
    members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return [member for member in members if isinstance(member, type) and issubclass(member, Frozen)]


def key_type(model: type[Frozen], where: Sequence[str | int]) -> Any:
    """The annotation of the keys of the dictionary that contains this place."""
    return get_args(bare(at(model, where[:-1])))[0]


def is_text(here: Any) -> bool:
    """Whether a value here is text, including a word of a closed set."""
    annotation = bare(here)
    return get_origin(annotation) is Literal or (isinstance(annotation, type) and issubclass(annotation, str))


def is_collection(here: Any) -> bool:
    """Whether a value here is an object or a list."""
    annotation = bare(here)
    return get_origin(annotation) in (dict, tuple) or bool(blocks(annotation))


def rule(here: Any) -> str:
    """The required form of text at a place, in words and with an example; empty for a declaration without a pattern."""
    words = next((field.description for field in fields(here) if field.description), "of the form that it must have")
    return f"{words}{example(here)}"


def example(here: Any) -> str:
    """`, such as europe-west1-b`, from the declaration's example; empty without one."""
    given = next((field.examples for field in fields(here) if field.examples), None)
    return f", such as {json.dumps(given[0]).strip(chr(34))}" if given else ""


def fields(here: Any) -> list[FieldInfo]:
    """The FieldInfos that describe a place: its own, and those inside Annotated and `| None`."""
    found = [here] if isinstance(here, FieldInfo) else []
    annotation = here.annotation if isinstance(here, FieldInfo) else here
    found += [extra for extra in getattr(annotation, "__metadata__", ()) if isinstance(extra, FieldInfo)]
    if get_origin(annotation) is not dict:
        found += [field for inner in get_args(annotation) for field in fields(inner)]
    return found


def _tagged(here: Any, tag: str) -> type[Frozen] | None:
    """The variant of a union with this tag; None if `here` is no union or has no such variant."""
    members = blocks(here)
    if len(members) < 2:
        return None
    literals = ((block, field.annotation) for block in members for field in block.model_fields.values())
    return next((block for block, type_ in literals if get_origin(type_) is Literal and tag in get_args(type_)), None)


def _declared(here: Any, key: str) -> FieldInfo | None:
    """The field with this key in a block, or in any variant of a union."""
    fields_ = (field for block in blocks(here) for field in block.model_fields.values())
    return next((field for field in fields_ if field.alias == key), None)


def _inside(here: Any, key: str) -> Any:
    if block := _tagged(here, key):
        return block
    if blocks(here):
        return _declared(here, key)
    annotation = bare(here)
    if get_origin(annotation) is tuple:  # `tuple[X, ...]`
        return get_args(annotation)[0]
    return get_args(annotation)[1] if get_origin(annotation) is dict else None
