"""The settings that a stack file can have, found by walking their schema, and values to change them to. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt

from reading import shape
from reading.frozen import Frozen


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One key of a stack file that holds a value, or a list or an object of plain values."""

    path: str
    """Key path; `*` stands for any key of an object of blocks, such as a graph's name."""
    declared: Any
    needs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Required keys beside it and beside the blocks around it: path → declaration."""


def settings_of(model: type[Frozen], path: str = "", needs: Mapping[str, Any] | None = None) -> Iterator[Setting]:
    """Every setting below a model. A key that several variants of a union have appears once per variant."""
    keys = {_join(path, of.alias or name): of for name, of in model.model_fields.items()}
    required = {**(needs or {}), **{key: of for key, of in keys.items() if of.is_required()}}
    for key, declared in keys.items():
        beside = {other: of for other, of in required.items() if other != key}
        blocks, where = shape.blocks(declared), key
        if not blocks and get_origin(bare := shape.bare(declared)) is dict:
            blocks, where = shape.blocks(get_args(bare)[1]), f"{key}.*"
        for block in blocks:
            yield from settings_of(block, where, beside)
        if not blocks:
            yield Setting(path=key, declared=declared, needs=beside)


def values(declared: Any, current: Any) -> list[Any]:
    """Values to change a setting to by its declaration alone: examples, members, bounds. Some may be invalid."""
    found: list[Any] = []
    for value in _values(declared, current):
        if value != current and value not in found:
            found.append(value)
    return found


def _values(declared: Any, current: Any) -> Iterator[Any]:
    annotation = shape.bare(declared)
    described = shape.fields(declared)
    if get_origin(annotation) is dict:
        key, inner = get_args(annotation)
        yield from ({name: value} for name in _values(key, None) for value in _values(inner, None))
    elif get_origin(annotation) is tuple:
        yield from ([value] for value in _values(get_args(annotation)[0], None))
    elif get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif annotation is bool:
        yield from (True, False)
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (member.value for member in annotation)
    else:
        yield from (example for of in described for example in of.examples or ())
        yield from _numbers(annotation, [mark for of in described for mark in of.metadata], current)


def _numbers(annotation: Any, marks: list[Any], current: Any) -> Iterator[int | float]:
    """Numbers within the bounds: near the current one, then near a bound."""
    low = next((mark.ge for mark in marks if isinstance(mark, Ge)), None)
    high = next((mark.le for mark in marks if isinstance(mark, Le)), None)
    if annotation is int:
        near = [current + 1, current - 1] if isinstance(current, int) else []
        for number in [*near, *([low + 1, low] if isinstance(low, int) else []), *([high] if high else [])]:
            if (low is None or number >= low) and (high is None or number <= high):  # type: ignore[operator]
                yield number
    elif annotation is float:
        over = next(mark.gt for mark in marks if isinstance(mark, Gt))
        under = next(mark.lt for mark in marks if isinstance(mark, Lt))
        yield over + (under - over) * 0.85  # type: ignore[operator]


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
