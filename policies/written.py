"""What the program itself writes for the workers of an engine: flags and variables, each with its values.

The engine is asked with two inputs that differ in all that a deployment decides. A value that is the same for both is
the program's own; one that differs belongs to the deployment.
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
class Written:
    """What the program writes under one name."""

    values: frozenset[Values]
    of_deployment: bool
    """Whether the deployment decides the value, so that others may stand there too."""

    def takes(self, given: Sequence[str]) -> bool:
        if not self.of_deployment:
            return comparable(given) in self.values
        numbers = all(text.isdecimal() for value in self.values for text in value)
        return len(given) == 1 and (given[0].isdecimal() or not numbers)


@cache
def flags(engine: Engine) -> Mapping[str, Written]:
    """The flags of the engine's own command lines."""
    return _written((_flags(engine, one), _flags(engine, other)) for one, other in _inputs())


@cache
def variables(engine: Engine) -> Mapping[str, Written]:
    """The variables of the engine's workers, each with its value or with the field of the pod that holds it."""
    return _written(
        (_variables(worker_variables(engine, one, 1)), _variables(worker_variables(engine, other, 2)))
        for one, other in _inputs()
    )


def comparable(values: Sequence[str]) -> Values:
    """Values as they are compared: a JSON object by its keys and texts, whatever its numbers are."""
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


def _flags(engine: Engine, inputs: EngineInput) -> dict[str, set[Values]]:
    return {use.name: {comparable([text for _, text in use.values])} for use in uses(engine.arguments(inputs))}


def _variables(env: Sequence[EnvVar]) -> dict[str, set[Values]]:
    found: dict[str, set[Values]] = {}
    for variable in env:
        found.setdefault(variable.name, set()).add(content(variable.to_wire()))
    return found


def content(variable: Mapping[str, Any]) -> Values:
    """The value of a variable, or where Kubernetes takes it from."""
    source = variable.get("valueFrom")
    return (json.dumps(source, sort_keys=True),) if source else (variable.get("value") or "",)


def _written(pairs: Iterator[tuple[dict[str, set[Values]], dict[str, set[Values]]]]) -> Mapping[str, Written]:
    values: dict[str, set[Values]] = {}
    differ: set[str] = set()
    for one, other in pairs:
        for name, found in one.items():
            values.setdefault(name, set()).update(found)
            if other.get(name) != found:
                differ.add(name)
    return {name: Written(values=frozenset(found), of_deployment=name in differ) for name, found in values.items()}


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
        max_model_len=number,
        kv_cache_dtype=KvCacheDtype.AUTO if number == 1 else KvCacheDtype.FP8,
        gpu_memory_utilization=number / 4,
        kv_lease_seconds=lease,
        extra_args=(),
    )
