"""Changes of a stack to judge: each setting of the schema once or with every value, and pairs of settings. Pure.

A case is what a user would do: a stack file, and `path=value` overrides of it as `--set` takes them.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from catalog.contracts import Role
from ops.changes.values import MISSING, at, covered
from ops.offline import stackfile
from planning.load import judged
from planning.plan import plan
from planning.resolve import ResolvedStack
from planning.types import Plan
from settings.schema import Settings
from settings.stack_config import StackConfig, raw_blocks
from tests.rehearsal.judge.choices import BASES, BLOCKS, GRAPH, NEVER, TOGETHER, VALUES, stack_of
from tests.rehearsal.judge.schema import Setting, settings_of, values
from tests.stacks import ROOT

TOKEN = "dynamo-gke:hfToken"


@dataclass(frozen=True, kw_only=True)
class Case:
    base: str
    overrides: tuple[str, ...]
    settings: frozenset[str]
    """Paths of the settings that are changed; empty for a block."""
    plans: bool = True
    """Whether each override makes a difference to the plan."""
    renames: bool = False
    """Whether the change also renames every resource (`later_release`)."""

    @property
    def id(self) -> str:
        return f"{self.base}: {', '.join(self.overrides) or 'another hfToken'}"

    @property
    def rotates_token(self) -> bool:
        return "hfToken" in self.settings


@cache
def read(base: str, overrides: tuple[str, ...] = ()) -> StackConfig:
    """The config of a base with overrides, with a token unless it names one in Secret Manager."""
    stack, own = stack_of(base)
    config = stackfile.read(ROOT, stack, (*own, *overrides))
    names_one = '"hfToken"' in config.values["dynamo-gke:secrets"]
    return config if names_one else replace(config, secrets=config.secrets | {TOKEN})


@cache
def resolved(base: str, overrides: tuple[str, ...] = ()) -> ResolvedStack | None:
    """The stack of a base with overrides; None if they are invalid."""
    raw, errors = raw_blocks(read(base, overrides))
    stack, found = judged(raw)
    return None if errors or found else stack


@cache
def planned(base: str, overrides: tuple[str, ...] = ()) -> Plan | None:
    """The plan of a base with overrides; None if they are invalid."""
    stack = resolved(base, overrides)
    return plan(stack) if stack else None


@cache
def settings() -> tuple[Setting, ...]:
    """Every setting that a case must change."""
    return tuple(setting for setting in settings_of(Settings) if not covered(setting.path, tuple(NEVER)))


def every() -> tuple[Case, ...]:
    """Each setting and each set of settings with each of its values, in one base; and each block."""
    return _distinct([*itertools.chain.from_iterable(map(_in_one_base, _sources())), *_of_blocks()])


@cache
def once() -> tuple[Case, ...]:
    """A case for each setting, each set of settings and each block: the first that changes the plan, if one does."""
    return _distinct([*itertools.chain.from_iterable(map(_first, _sources())), *_of_blocks()])


def _first(cases_in: Callable[[str], Iterator[Case]]) -> list[Case]:
    otherwise: list[Case] = []
    for case in itertools.chain.from_iterable(map(cases_in, BASES)):
        if case.plans:
            return [case]
        otherwise = otherwise or [case]
    return otherwise


def _in_one_base(cases_in: Callable[[str], Iterator[Case]]) -> list[Case]:
    """The cases of the first base where one changes the plan, else of the first that takes any."""
    otherwise: list[Case] = []
    for base in BASES:
        found = list(cases_in(base))
        if any(case.plans for case in found):
            return found
        otherwise = otherwise or found
    return otherwise


def _sources() -> Iterator[Callable[[str], Iterator[Case]]]:
    """Base → cases, for each setting and each set of settings."""
    variants: dict[str, list[Setting]] = {}
    for setting in settings():
        variants.setdefault(setting.path, []).append(setting)
    yield from (partial(_of_setting, of) for of in variants.values())
    yield from (partial(_of_several, paths) for paths in TOGETHER)


def _distinct(cases: Iterable[Case]) -> tuple[Case, ...]:
    found: dict[tuple[str, frozenset[str]], Case] = {}
    for case in cases:
        key = case.base, frozenset(case.overrides)
        known = found.setdefault(key, case)
        found[key] = replace(known, settings=known.settings | case.settings)
    return tuple(found.values())


def _of_setting(variants: Sequence[Setting], base: str) -> Iterator[Case]:
    """The valid changes of a setting, which may have variants: alone, and with the keys that it needs beside it."""
    if variants[0].path == "hfToken":  # a config has only the keys of secrets
        yield Case(base=base, overrides=(), settings=frozenset({"hfToken"}))
        return
    for setting in variants:
        for value in _values(setting, base):
            for needed in [(), *_needed(setting, base)]:
                yield from _valid(base, (*needed, _override(setting.path, value)), setting.path)


def _of_several(paths: tuple[str, ...], base: str) -> Iterator[Case]:
    """The valid changes of all these settings."""
    for chosen in itertools.product(*(_values_at(path, base) for path in paths)):
        yield from _valid(base, tuple(map(_override, paths, chosen)), *paths)


def _values_at(path: str, base: str) -> list[Any]:
    """Values of a setting, of all its variants."""
    return [value for setting in settings() if setting.path == path for value in _values(setting, base)]


def _of_blocks() -> list[Case]:
    return [case for base, overrides in BLOCKS for case in _valid(base, overrides)]


def _valid(base: str, overrides: tuple[str, ...], *paths: str) -> Iterator[Case]:
    """The change as a case, if the stack remains valid."""
    if (changed := planned(base, overrides)) is None:
        return
    without_one = itertools.combinations(overrides, len(overrides) - 1)
    plans = all(planned(base, others) != changed for others in without_one)
    yield Case(base=base, overrides=overrides, settings=frozenset(paths), plans=plans)


def _values(setting: Setting, base: str) -> list[Any]:
    """Values of a setting other than the base's."""
    stack = resolved(base)
    assert stack, f"the base {base} is invalid"
    current = at(stack.settings.to_wire(), _place(setting.path))
    by_role = re.sub(rf"\.({'|'.join(Role)})\.", ".{role}.", setting.path)
    known = [value for value in VALUES.get(setting.path, VALUES.get(by_role, ())) if value != current]
    return known or values(setting.declared, None if current is MISSING else current)


def _needed(setting: Setting, base: str) -> Iterator[tuple[str, ...]]:
    """Overrides of the keys that a setting needs beside it and that the base lacks or has for another variant."""
    stack = resolved(base)
    assert stack, f"the base {base} is invalid"
    wire = stack.settings.to_wire()
    missing = {
        path: possible
        for path, declared in setting.needs.items()
        if (possible := values(declared, None)) and _lacks(at(wire, _place(path)), path, possible)
    }
    if missing:
        for chosen in itertools.product(*missing.values()):
            yield tuple(map(_override, missing, chosen))


def _lacks(given: Any, path: str, possible: Sequence[Any]) -> bool:
    """Whether a needed key is missing, or chooses another variant of its block."""
    return given is MISSING or (path.endswith(".mode") and given not in possible)


def _place(path: str) -> str:
    return path.replace("*", GRAPH)


def _override(path: str, value: Any) -> str:
    key = "gcp:project" if path == "project" else _place(path)
    return f"{key}={value if isinstance(value, str) else json.dumps(value)}"
