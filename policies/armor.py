"""Checks whom a Cloud Armor policy lets in, by the one form that is known to be closed.

That form is rules that allow source ranges, then one rule that denies the rest. Everything else is a violation, because
this module cannot evaluate expressions, redirects or preview-only rules.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.inputs import at, block, items
from settings import client_ranges

_LAST_PRIORITY = 2147483647
_DENY = re.compile(r"deny\(\d{3}\)")
_KEYS = {"priority", "action", "match", "description", "preview"}
_MATCH_KEYS = {"versionedExpr", "config"}
_CONFIG_KEYS = {"srcIpRanges"}


def violations(policy: Mapping[str, Any]) -> Iterator[str]:
    """Reasons why a regional security policy may let in others than named clients, one sentence each."""
    if at(policy, "type") != "CLOUD_ARMOR":
        yield f"has type {at(policy, 'type') or 'unset'}, which protects no backend; set CLOUD_ARMOR"
    rules = items(policy, "rules")
    for rule in rules:
        yield from (f"rule {_priority(rule)} {why}" for why in _form(rule))
    priorities = [_priority(rule) for rule in rules]
    if len(set(priorities)) < len(priorities):
        yield "has two rules with the same priority; give each its own"
    last = [rule for rule in rules if _priority(rule) == str(_LAST_PRIORITY)]
    if not last or not all(_DENY.fullmatch(str(at(rule, "action"))) and _ranges(rule) == ["*"] for rule in last):
        yield f"lets in everyone whom no rule names; end with deny(403) on * at priority {_LAST_PRIORITY}"
    for rule in rules:
        if str(at(rule, "action")).startswith("deny") and _priority(rule) != str(_LAST_PRIORITY):
            yield f"rule {_priority(rule)} denies before the last one; remove its ranges from the allowed ones instead"


def admitted(policy: Mapping[str, Any]) -> list[str]:
    """The ranges that the policy's rules allow."""
    return [cidr for rule in items(policy, "rules") if at(rule, "action") == "allow" for cidr in _ranges(rule)]


def range_violations(cidrs: list[str]) -> Iterator[str]:
    """Errors of the ranges that a stack admits, each alone and all together."""
    if "*" in cidrs:
        yield "lets in everyone: a rule allows *; allow only the ranges of your clients"
        return
    forms = {cidr: client_ranges.form_error(cidr) for cidr in cidrs}
    yield from (error for error in forms.values() if error)
    if error := client_ranges.share_error([cidr for cidr, error in forms.items() if not error]):
        yield error


def _form(rule: Mapping[str, Any]) -> Iterator[str]:
    """Reasons why a rule is not a plain allow or deny on source ranges."""
    action = str(at(rule, "action"))
    if action != "allow" and not _DENY.fullmatch(action):
        yield f"has the action {action}; use allow or deny"
    if at(rule, "preview"):
        yield "is in preview mode: Cloud Armor logs its effect but does not enforce it"
    match, config = block(rule, "match"), block(rule, "match", "config")
    for key in (*_other(rule, _KEYS), *_other(match, _MATCH_KEYS), *_other(config, _CONFIG_KEYS)):
        yield f"has {key}, which may let in more than its ranges"
    if at(rule, "match", "versionedExpr") != "SRC_IPS_V1" or not _ranges(rule):
        yield "names no source ranges; match by SRC_IPS_V1 and srcIpRanges"


def _other(given: Mapping[str, Any], known: set[str]) -> list[str]:
    """Keys of a block that are set but not known."""
    return [key for key in given if key not in known and not key.startswith("__") and at(given, key) is not None]


def _ranges(rule: Mapping[str, Any]) -> list[str]:
    return [str(cidr) for cidr in items(rule, "match", "config", "srcIpRanges")]


def _priority(rule: Mapping[str, Any]) -> str:
    """The priority as Google Cloud writes it; numbers arrive as floats."""
    given = at(rule, "priority")
    return str(int(given)) if isinstance(given, float) else str(given)
