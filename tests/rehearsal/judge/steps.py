"""The engine's steps and a forecast's changes in the same words, and where they disagree. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from ops.changes.change import Change, Comparison, Kind
from ops.rehearsal.engine.events import is_resource, types_of


class Fate(StrEnum):
    """What happens to a resource. A resource without one stays as it is."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    REPLACED = "replaced, the old one deleted last"
    REPLACED_DELETED_FIRST = "replaced, the old one deleted first"


_SIMPLE = {"create": Fate.CREATED, "update": Fate.UPDATED, "delete": Fate.DELETED}
_REPLACING = ("create-replacement", "delete-replaced")


Step = Mapping[str, Any]
"""A step as `pulumi preview --json` prints it."""


def of_engine(steps: Sequence[Step]) -> dict[str, Fate]:
    """URN → fate, of a preview's steps in their order."""
    found: dict[str, Fate] = {}
    states = [step["newState"] for step in steps if "newState" in step]
    renamed = {former: state["urn"] for state in states for former in state.get("aliases", ())}
    for step in steps:
        op, urn = step["op"], renamed.get(step["urn"], step["urn"])  # an old version is deleted under its old name
        if not is_resource(urn):
            continue
        if op in _SIMPLE:
            found[urn] = _SIMPLE[op]
        elif op in _REPLACING and urn not in found:  # the first of the two tells the order
            found[urn] = Fate.REPLACED_DELETED_FIRST if op == "delete-replaced" else Fate.REPLACED
    return found


def undecided(steps: Iterable[Step]) -> frozenset[str]:
    """Objects of a cluster that the preview shows as updated although it asked no provider about them, because the
    settings of the provider are unknown until the cluster is replaced."""
    updates = (step for step in steps if step["op"] == "update" and not _changed(step))
    return frozenset(step["urn"] for step in updates if "kubernetes:" in types_of(step["urn"]))


def _changed(step: Step) -> bool:
    return bool(step.get("detailedDiff") or step.get("diffReasons"))


def of_forecast(forecast: Comparison) -> dict[str, Fate]:
    """URN → fate, of the changes that `diff` shows."""
    fates = ((change.urn, _fate(change)) for change in forecast.changes)
    return {urn: fate for urn, fate in fates if fate}


def _fate(change: Change) -> Fate | None:
    match change.kind:
        case Kind.CREATED:
            return Fate.CREATED
        case Kind.UPDATED:
            return Fate.UPDATED
        case Kind.DELETED:
            return Fate.DELETED
        case Kind.REPLACED:
            return Fate.REPLACED_DELETED_FIRST if change.deleted_first else Fate.REPLACED
        case Kind.UNCHANGED:
            return None


def disagreements(forecast: Mapping[str, Fate], engine: Mapping[str, Fate]) -> Iterator[str]:
    """A sentence for each resource that the engine treats otherwise than forecast."""
    for urn in sorted({*forecast, *engine}):
        said, done = forecast.get(urn), engine.get(urn)
        if said is not done:
            yield f"{urn}: forecast {said or 'unchanged'}, the engine says {done or 'unchanged'}"
