"""What Google's provider refuses in the inputs of a resource, before it calls an API. Pure."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.changes.gcp_inputs import Input
from ops.rehearsal.google.schema import children, inside, rules, type_facts
from ops.rehearsal.google.wire import UNKNOWN, plain
from reading.errors import join, one_of, unknown_key

DEFAULTS = "__defaults"
"""Names of the inputs that the bridge filled in, kept among the inputs as the bridge does."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    path: str
    reason: str


def named(type_: str, logical: str, seed: bytes, news: Mapping[str, Any], olds: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with an automatic name if the program sets none: the old one, or the logical name with a suffix."""
    name = type_facts(type_).name
    if not name or name in news:
        return dict(news)
    old = olds.get(name) if name in olds.get(DEFAULTS, []) else None
    return {**news, name: old or f"{logical}-{hashlib.sha256(seed).hexdigest()[:7]}", DEFAULTS: [name]}


def refusals(type_: str, news: Mapping[str, Any]) -> list[Refusal]:
    """Everything in the inputs that the provider refuses, at once."""
    given: dict[str, Any] = plain({key: value for key, value in news.items() if key != DEFAULTS})
    return [*_in_block(type_, "", "", given), *_related(type_, given)]


def _in_block(type_: str, block: str, shown: str, given: Mapping[str, Any]) -> Iterator[Refusal]:
    known = children(type_)[block]
    for key, value in given.items():
        path = join(shown, key)
        if key not in known:
            yield Refusal(path=path, reason=unknown_key(key, sorted(known)))
        else:
            yield from _of_input(type_, join(block, key), path, known[key], value)
    # An automatic name is no input of the program's, but exists when the provider checks.
    for key, of in known.items():
        if of.required and key not in given:
            yield Refusal(path=join(shown, key), reason="is required")


def _of_input(type_: str, path: str, shown: str, of: Input, value: Any) -> Iterator[Refusal]:
    if value is UNKNOWN:
        return
    if wrong := _wrong_kind(of, value):
        yield Refusal(path=shown, reason=wrong)
    elif of.kind == "block":
        yield from _in_block(type_, inside(path, of), shown, value)
    elif of.kind == "blocks":
        for index, item in enumerate(value):
            if item is not UNKNOWN:
                yield from _in_block(type_, inside(path, of), join(shown, index), item)
    rule = rules(type_).get(path, {})
    yield from (Refusal(path=shown, reason=why) for why in _by_rule(rule, value))


def _wrong_kind(of: Input, value: Any) -> str:
    match of.kind:
        case "block" | "map":
            return "" if isinstance(value, dict) else f"must be a map, not {value!r}"
        case "blocks" | "list" | "set":
            return "" if isinstance(value, list) else f"must be a list, not {value!r}"
        case _:
            return f"must be a single value, not a {type(value).__name__}" if isinstance(value, dict | list) else ""


def _by_rule(rule: Mapping[str, Any], value: Any) -> Iterator[str]:
    items = value if isinstance(value, list) else [value]
    if allowed := rule.get("enum"):
        same: Callable[[str], str] = str.casefold if rule.get("anyCase") else str
        known = {same(item) for item in allowed}
        wrong = [item for item in items if item is not UNKNOWN and same(str(item)) not in known]
        yield from (one_of(str(item), [item for item in allowed if item]) for item in wrong)
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = rule.get("min"), rule.get("max")
        if (low is not None and value < low) or (high is not None and value > high):
            yield f"{value} is outside {low:g} to {high:g}" if high is not None else f"{value} is less than {low:g}"
    if isinstance(value, list):
        if len(value) > rule.get("maxItems", len(value)):
            yield f"has {len(value)} elements; at most {rule['maxItems']} are allowed"
        if len(value) < rule.get("minItems", 0):
            yield f"has {len(value)} elements; at least {rule['minItems']} are needed"


def _related(type_: str, given: Mapping[str, Any]) -> Iterator[Refusal]:
    """Inputs that exclude or need each other.

    Terraform compares absolute paths, so it applies these rules to inputs outside lists only.
    """
    seen: set[tuple[str, ...]] = set()
    for path, rule in rules(type_).items():
        block = path.rpartition(".")[0]
        if "[]" in path or (block and not _is_set(given, block)):
            continue
        if _is_set(given, path):
            if others := [other for other in rule.get("conflictsWith", []) if _is_set(given, other)]:
                yield Refusal(path=path, reason=f"conflicts with {', '.join(others)}")
            if absent := [other for other in rule.get("requiredWith", []) if _is_set(given, other) is False]:
                yield Refusal(path=path, reason=f"needs {', '.join(absent)}")
        for relation in ("exactlyOneOf", "atLeastOneOf"):
            group = (relation, *sorted(rule.get(relation, [])))
            if group[1:] and group not in seen:
                seen.add(group)
                yield from _group(path, given, *group)


def _group(path: str, given: Mapping[str, Any], relation: str, *group: str) -> Iterator[Refusal]:
    found = [_is_set(given, other) for other in group]
    none = True not in found and None not in found
    if none or (relation == "exactlyOneOf" and found.count(True) > 1):
        wanted = "exactly" if relation == "exactlyOneOf" else "at least"
        yield Refusal(path=path, reason=f"{wanted} one of {', '.join(group)} must be set")


def _is_set(given: Any, path: str) -> bool | None:
    """Whether an input is set; None if only a later step of the update knows its value."""
    for step in path.split("."):
        if given is UNKNOWN:
            return None
        if not isinstance(given, Mapping) or step not in given:
            return False
        given = given[step]
    return None if given is UNKNOWN else given != []
