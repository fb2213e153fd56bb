"""An environment's configuration of the policy pack, `policies/config.<stack>.json`, read as the Pulumi CLI reads it.

An entry is a level (`"pinned": "advisory"`) or an object of settings with an optional `enforcementLevel`; `all` is for
every rule that has no level of its own. Settings that are not given have the default of the rule's schema.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pulumi_policy import EnforcementLevel, Policy

from ops.report.plain import plain
from reading import errors, json_text
from reading.errors import ConfigInvalid, Error

LEVELS = tuple(level.value for level in EnforcementLevel)
_TYPES: Mapping[str, str] = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}


@dataclass(frozen=True, kw_only=True)
class RuleConfig:
    """How one rule is to judge."""

    level: EnforcementLevel
    settings: dict[str, Any]


STRICTEST = "prod"
"""The stack whose configuration applies to stacks without one, so that a copied stack has no weaker policies."""


def _file(root: Path, stack: str) -> Path:
    return root / "policies" / f"config.{stack}.json"


def _used(root: Path, stack: str) -> Path:
    """The file that judges a stack, which need not exist."""
    return _file(root, stack) if _file(root, stack).is_file() else _file(root, STRICTEST)


def in_its_file(invalid: ConfigInvalid, root: Path, stack: str) -> ConfigInvalid:
    """The errors of a stack's configuration, with its file before each path."""
    file = f"policies/{_used(root, stack).name}"
    return ConfigInvalid([Error(f"{file}: {error.path}", error.message) for error in invalid.errors])


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
    path = _used(root, stack)
    if not path.is_file():
        return {}
    try:
        found = json_text.loads(path.read_bytes())
    except (json_text.Malformed, OSError) as error:
        raise ConfigInvalid([Error(f"policies/{path.name}", plain(str(error)))]) from error
    if not isinstance(found, dict):
        raise ConfigInvalid([Error(f"policies/{path.name}", "must be an object with rule names as keys")])
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
        else:
            yield from _value_errors(path, value, properties[key])


def _value_errors(path: str, value: Any, schema: Mapping[str, Any]) -> Iterator[Error]:
    """Why a value does not match the part of JSON Schema that settings use, by which the Pulumi CLI judges it, too."""
    if schema["type"] == "array":
        allowed = schema["items"].get("enum")
        if not isinstance(value, list) or not all(isinstance(item, str) for item in cast(list[Any], value)):
            yield Error(
                path, f'{errors.shown(value)} is not an array of strings, such as ["{(allowed or ["name"])[0]}"]'
            )
            return
        for index, item in enumerate(cast(list[str], value)):
            if allowed and item not in allowed:
                yield Error(errors.join(path, index), errors.one_of(item, allowed))
    elif not _has_type(value, schema["type"]):
        yield Error(
            path, f"{errors.shown(value)} is not {_TYPES[schema['type']]}, such as {errors.shown(schema['default'])}"
        )
    elif value < schema.get("minimum", value):
        yield Error(path, f"{errors.shown(value)} is less than {schema['minimum']}; use {schema['minimum']} or more")


def _has_type(value: Any, wanted: str) -> bool:
    if isinstance(value, bool) or wanted == "boolean":
        return isinstance(value, bool) and wanted == "boolean"
    if isinstance(value, int):
        return True
    # JSON has no infinity, but a number such as 1e999 is read as one.
    return isinstance(value, float) and math.isfinite(value) and (wanted == "number" or value.is_integer())
