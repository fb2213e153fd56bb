"""The flags and variables that the program itself sets for an engine's workers, each with its allowed values.

The module builds the command lines for two inputs that differ in everything a deployment decides. A value equal in both
is the program's own; a value that differs depends on the deployment.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from catalog.contracts import EngineInput, KvCacheDtype, Role
from catalog.engines import Engine
from catalog.flags.argv import uses
from manifests.dgd import EnvVar
from manifests.graph import worker_variables

Values = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ProgramValues:
    """The values that the program sets for one flag or variable."""

    values: frozenset[Values]
    deployment_decides: bool
    """Whether the value depends on the deployment, so that other values are allowed, too."""

    def allows(self, given: Sequence[str]) -> bool:
        if not self.deployment_decides:
            return comparable(given) in self.values
        numbers = all(text.isdecimal() for value in self.values for text in value)
        return len(given) == 1 and (given[0].isdecimal() or not numbers)


@cache
def flags(engine: Engine) -> Mapping[str, ProgramValues]:
    """The flags of the engine's command lines, as the program writes them."""
    return _by_name((_flags(engine, one), _flags(engine, other)) for one, other in _inputs())


@cache
def variables(engine: Engine) -> Mapping[str, ProgramValues]:
    """The variables of the engine's workers, each with its value or its `valueFrom`."""
    return _by_name(
        (_variables(worker_variables(engine, one, 1)), _variables(worker_variables(engine, other, 2)))
        for one, other in _inputs()
    )


def comparable(values: Sequence[str]) -> Values:
    """Values in a comparable form: JSON objects without their numbers."""
    return tuple(_without_numbers(value) for value in values)


def _without_numbers(value: str) -> str:
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    return json.dumps(_zeroed(parsed), sort_keys=True) if isinstance(parsed, dict) else value


def _zeroed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _zeroed(inner) for key, inner in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_zeroed(inner) for inner in cast(list[Any], value)]
    return 0 if isinstance(value, int | float) and not isinstance(value, bool) else value


def _flags(engine: Engine, given: EngineInput) -> dict[str, set[Values]]:
    return {use.name: {comparable([text for _, text in use.values])} for use in uses(engine.arguments(given))}


def _variables(env: Sequence[EnvVar]) -> dict[str, set[Values]]:
    found: dict[str, set[Values]] = {}
    for variable in env:
        found.setdefault(variable.name, set()).add(content(variable.to_wire()))
    return found


def content(variable: Mapping[str, Any]) -> Values:
    """The value of a variable, or its `valueFrom` as JSON."""
    source = variable.get("valueFrom")
    return (json.dumps(source, sort_keys=True),) if source else (variable.get("value") or "",)


def _by_name(pairs: Iterator[tuple[dict[str, set[Values]], dict[str, set[Values]]]]) -> Mapping[str, ProgramValues]:
    values: dict[str, set[Values]] = {}
    differ: set[str] = set()
    for one, other in pairs:
        for name, found in one.items():
            values.setdefault(name, set()).update(found)
            if other.get(name) != found:
                differ.add(name)
    return {
        name: ProgramValues(values=frozenset(found), deployment_decides=name in differ)
        for name, found in values.items()
    }


def _inputs() -> Iterator[tuple[EngineInput, EngineInput]]:
    for role in Role:
        for streams in (False, True):
            for lease in (None, 30):
                yield _input(role, streams, lease, 1), _input(role, streams, lease, 2)


def _input(role: Role, streams: bool, lease: int | None, number: int) -> EngineInput:
    return EngineInput(
        role=role,
        tensor_parallel=number,
        repository=f"model/{number}",
        model=f"/model/{number}",
        served_name=f"model-{number}",
        streams_weights=streams,
        max_model_len=number * 1024,  # engines round it to whole blocks
        kv_cache_dtype=KvCacheDtype.AUTO if number == 1 else KvCacheDtype.FP8,
        gpu_memory_utilization=number / 4,
        kv_lease_seconds=lease,
        linear_state=True,
        extra_args=(),
    )
