"""An environment's configuration of the policy pack, `policies/config.<stack>.json`, read as the Pulumi CLI reads it.

An entry is a level (`"pinned": "advisory"`) or an object of settings with an optional `enforcementLevel`; `all` is for
every rule that has no level of its own. Settings that are not given have the default of the rule's schema.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_policy import EnforcementLevel, Policy

from reading import errors
from reading.errors import ConfigInvalid, Error

LEVELS = tuple(level.value for level in EnforcementLevel)
_TYPES: Mapping[str, tuple[type, ...]] = {"boolean": (bool,), "number": (int, float), "array": (list,)}


@dataclass(frozen=True, kw_only=True)
class RuleConfig:
    """How one rule is to judge."""

    level: EnforcementLevel
    settings: dict[str, Any]


STRICTEST = "prod"
"""The stack whose configuration applies to stacks without one, so that a copied stack has no weaker policies."""


def _file(root: Path, stack: str) -> Path:
    return root / "policies" / f"config.{stack}.json"


def warning(root: Path, stack: str) -> str | None:
    """A sentence for a stack without a policy configuration; None where it has one."""
    own, used = _file(root, stack), _file(root, STRICTEST)
    if own.is_file():
        return None
    if used.is_file():
        judged, command = f"policies/{used.name} judges it", f"cp policies/{used.name} policies/{own.name}"
    else:
        judged, command = "every rule has its default", f"echo '{{}}' > policies/{own.name}"
    return (
        f"policies: stack {stack} has no policy configuration, so {judged}; give it its own, also for `pulumi up "
        f"--policy-pack-config`: `{command}`"
    )


def read(root: Path, stack: str) -> dict[str, Any]:
    """A stack's policy configuration: its own file, else prod's, else empty. Raises ConfigInvalid."""
    path = _file(root, stack) if _file(root, stack).is_file() else _file(root, STRICTEST)
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except ValueError as error:
        raise ConfigInvalid([Error(f"policies/{path.name}", f"is not JSON: {error}")]) from error
    if not isinstance(found, dict):
        raise ConfigInvalid([Error(f"policies/{path.name}", "must be an object with rule names as keys")])
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are each given once: of two, JSON's readers take the last and say nothing."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = sorted({key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1})
        raise ValueError(f"{', '.join(twice)} given twice; remove one")
    return found


def resolve(rules: Sequence[Policy], given: Mapping[str, Any]) -> dict[str, RuleConfig]:
    """Level and settings of every rule. Raises ConfigInvalid with every error."""
    by_name = {rule.name: rule for rule in rules}
    found = list(_errors(by_name, given))
    if found:
        raise ConfigInvalid(found)
    for_all = _entry(given.get("all", {}))
    resolved: dict[str, RuleConfig] = {}
    for rule in rules:
        entry = _entry(given.get(rule.name, {}))
        own = rule.enforcement_level or EnforcementLevel.ADVISORY
        level = entry.pop("enforcementLevel", for_all.get("enforcementLevel", own.value))
        defaults = {name: schema["default"] for name, schema in _properties(rule).items()}
        resolved[rule.name] = RuleConfig(level=EnforcementLevel(level), settings={**defaults, **entry})
    return resolved


def _entry(value: Any) -> dict[str, Any]:
    return {"enforcementLevel": value} if isinstance(value, str) else dict(value)


def _properties(rule: Policy) -> dict[str, dict[str, Any]]:
    return rule.config_schema.properties if rule.config_schema else {}


def _errors(rules: Mapping[str, Policy], given: Mapping[str, Any]) -> Iterator[Error]:
    for name, value in given.items():
        if name != "all" and name not in rules:
            yield Error(name, f"is not a rule of the pack{errors.nearest(name, [*rules, 'all'])}")
        elif not isinstance(value, str | dict):
            yield Error(name, f"{errors.shown(value)} is neither a level nor an object of settings")
        else:
            yield from _entry_errors(name, _entry(value), _properties(rules[name]) if name != "all" else {})


def _entry_errors(name: str, entry: Mapping[str, Any], properties: Mapping[str, dict[str, Any]]) -> Iterator[Error]:
    for key, value in entry.items():
        path = errors.join(name, key)
        if key == "enforcementLevel":
            if value not in LEVELS:
                yield Error(path, errors.one_of(str(value), LEVELS))
        elif key not in properties:
            yield Error(path, f"is not a setting of {name}{errors.nearest(key, [*properties, 'enforcementLevel'])}")
        elif not _has_type(value, properties[key]["type"]):
            kind = properties[key]["type"]
            yield Error(path, f"{errors.shown(value)} is no {'array of strings' if kind == 'array' else kind}")


def _has_type(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    if wanted == "array":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, _TYPES[wanted])
