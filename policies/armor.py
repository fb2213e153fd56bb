"""What a Cloud Armor policy lets in, judged by the one form that is known to be closed.

Rules that allow source ranges, then one that denies the rest. Anything else is a complaint: nobody can tell here whom
an expression, a redirect or a rule that is only previewed lets in.
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


def complaints(policy: Mapping[str, Any]) -> Iterator[str]:
    """Why a regional security policy may let in others than named clients, one sentence each."""
    if at(policy, "type") != "CLOUD_ARMOR":
        yield f"has type {at(policy, 'type') or 'unset'}, which guards no backend; set CLOUD_ARMOR"
    rules = items(policy, "rules")
    for rule in rules:
        yield from (f"rule {_priority(rule)} {why}" for why in _form(rule))
    priorities = [_priority(rule) for rule in rules]
    if len(set(priorities)) < len(priorities):
        yield "has two rules of one priority; give each its own"
    last = [rule for rule in rules if _priority(rule) == str(_LAST_PRIORITY)]
    if not last or not all(_DENY.fullmatch(str(at(rule, "action"))) and _ranges(rule) == ["*"] for rule in last):
        yield f"lets everyone in whom no rule names; end with deny(403) on * at priority {_LAST_PRIORITY}"
    for rule in rules:
        if str(at(rule, "action")).startswith("deny") and _priority(rule) != str(_LAST_PRIORITY):
            yield f"rule {_priority(rule)} denies before the last one; leave its ranges out of those that are allowed"


def admitted(policy: Mapping[str, Any]) -> list[str]:
    """The ranges that the policy's rules allow."""
    return [cidr for rule in items(policy, "rules") if at(rule, "action") == "allow" for cidr in _ranges(rule)]


def range_complaints(cidrs: list[str]) -> Iterator[str]:
    """What is wrong with all ranges that a stack lets in, one by one and together."""
    if "*" in cidrs:
        yield "lets everyone in: a rule allows *; allow the ranges of your clients"
        return
    forms = {cidr: client_ranges.form_error(cidr) for cidr in cidrs}
    yield from (error for error in forms.values() if error)
    if error := client_ranges.share_error([cidr for cidr, error in forms.items() if not error]):
        yield error


def _form(rule: Mapping[str, Any]) -> Iterator[str]:
    """How a rule is other than an action on source ranges."""
    action = str(at(rule, "action"))
    if action != "allow" and not _DENY.fullmatch(action):
        yield f"has the action {action}, where allow and deny are known"
    if at(rule, "preview"):
        yield "is previewed only: Cloud Armor logs what it would do and does not do it"
    match, config = block(rule, "match"), block(rule, "match", "config")
    for key in (*_other(rule, _KEYS), *_other(match, _MATCH_KEYS), *_other(config, _CONFIG_KEYS)):
        yield f"has {key}, which may let in more than its ranges"
    if at(rule, "match", "versionedExpr") != "SRC_IPS_V1" or not _ranges(rule):
        yield "names no source ranges; match by SRC_IPS_V1 and srcIpRanges"


def _other(given: Mapping[str, Any], known: set[str]) -> list[str]:
    """Keys of a block that are given, and not known."""
    return [key for key in given if key not in known and not key.startswith("__") and at(given, key) is not None]


def _ranges(rule: Mapping[str, Any]) -> list[str]:
    return [str(cidr) for cidr in items(rule, "match", "config", "srcIpRanges")]


def _priority(rule: Mapping[str, Any]) -> str:
    """As Google Cloud writes it; numbers arrive as floats."""
    given = at(rule, "priority")
    return str(int(given)) if isinstance(given, float) else str(given)
