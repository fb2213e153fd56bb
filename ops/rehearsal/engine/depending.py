"""What depends on what in a state of Pulumi. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from ops.rehearsal.engine.events import needs


def direct(state: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """URN → what the engine creates before the resource and deletes only after it.

    Its dependencies, its parent, its provider.
    """
    return {each["urn"]: {*needs(each), each.get("parent") or ""} - {""} for each in state}


def reachable(urn: str, of: Mapping[str, set[str]]) -> set[str]:
    """Everything that the resource depends on, itself or through others."""
    found: set[str] = set()
    open_ = [urn]
    while open_:
        new = of.get(open_.pop(), set()) - found
        found |= new
        open_ += new
    return found
