"""What a pydantic model declares at a key path, for messages and for values given as text."""

import json
from collections.abc import Sequence
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from reading.frozen import Frozen


def at(model: type[Frozen], where: Sequence[str | int]) -> Any:
    """The declaration at a path: a FieldInfo, a model class or an annotation; None for a key that is not declared."""
    here: Any = model
    for part in where:
        here = _inside(here, str(part))
        if here is None:
            return None
    return here


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
    """The keys of a block on the wire; none for what is no block."""
    annotation = bare(here)
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return [field.alias or name for name, field in annotation.model_fields.items()]
    return []


def key_type(model: type[Frozen], where: Sequence[str | int]) -> Any:
    """The annotation of the keys of the dictionary that holds this place."""
    return get_args(bare(at(model, where[:-1])))[0]


def is_text(here: Any) -> bool:
    """Whether a value here is text, a word of a closed set included."""
    annotation = bare(here)
    return isinstance(annotation, type) and issubclass(annotation, str)


def is_collection(here: Any) -> bool:
    """Whether a value here is an object or a list."""
    annotation = bare(here)
    return get_origin(annotation) in (dict, tuple) or (isinstance(annotation, type) and issubclass(annotation, Frozen))


def rule(here: Any) -> str:
    """The form that text must have at a place, in words and with an example, where the declaration has a pattern."""
    words = next((field.description for field in fields(here) if field.description), "of the form that it must have")
    return f"{words}{example(here)}"


def example(here: Any) -> str:
    """`, such as europe-west1-b`, where the declaration gives an example; empty where it gives none."""
    given = next((field.examples for field in fields(here) if field.examples), None)
    return f", such as {json.dumps(given[0]).strip(chr(34))}" if given else ""


def fields(here: Any) -> list[FieldInfo]:
    """The FieldInfos that describe a place: itself, and those inside Annotated and `| None`."""
    found = [here] if isinstance(here, FieldInfo) else []
    annotation = here.annotation if isinstance(here, FieldInfo) else here
    found += [extra for extra in getattr(annotation, "__metadata__", ()) if isinstance(extra, FieldInfo)]
    if get_origin(annotation) is not dict:
        found += [field for inner in get_args(annotation) for field in fields(inner)]
    return found


def _inside(here: Any, key: str) -> Any:
    annotation = bare(here)
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return next((field for field in annotation.model_fields.values() if field.alias == key), None)
    if get_origin(annotation) is tuple:  # of one type and any length, `tuple[X, ...]`
        return get_args(annotation)[0]
    return get_args(annotation)[1] if get_origin(annotation) is dict else None
