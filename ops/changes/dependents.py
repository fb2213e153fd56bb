"""Consequences of a change for dependents that do not change with it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ops.changes import pulumi_engine as engine
from ops.changes.change import Change, Kind, few
from ops.changes.effects import KUBERNETES_PROVIDER, Effect
from ops.changes.previewed import Registered
from ops.changes.sides import Sides
from ops.changes.values import covered
from policies.kinds import CLUSTER, NETWORK, NODE_POOL, SUBNETWORK

EMPTIED = (
    "this update does not recreate the cluster's objects, although `pulumi preview` shows them as updated: afterwards "
    "run `pulumi refresh`, then `pulumi up` again"
)
"""Note of a cluster that is replaced under the same name and location."""

DELETE_POOLS = "; delete these pools first (docs/upgrade-and-teardown.md, networks that pools use)"


def with_dependents(sides: Sides, change: Change, found: Mapping[str, Change | None]) -> Change:
    """The change, with its consequences for dependents. `found` has every paired resource's change by its new URN."""
    if change.type == CLUSTER and change.kind is Kind.REPLACED:
        return _emptied(sides, change, found)
    if change.type not in (NETWORK, SUBNETWORK):
        return change
    using = list(_still_using(sides, change, found))
    if not using:
        return change
    names = few([each.name for each in using])
    why = f"`pulumi up` fails: {names} still {'uses' if len(using) == 1 else 'use'} it at deletion"
    mend = DELETE_POOLS if all(each.type == NODE_POOL for each in using) else ""
    return replace(change, fails=(*change.fails, why + mend), guarded=True)


def _still_using(sides: Sides, change: Change, found: Mapping[str, Change | None]) -> Iterator[Registered]:
    """The resources that still use a network when it is deleted."""
    for old, new in sides.pairs:
        if change.kind is Kind.DELETED:
            uses = _keeps_using(old, found[new.urn], change.urn)
        else:
            uses = change.deleted_first and _outlives(new, change.urn)
        if uses:
            yield new


def _keeps_using(old: Registered, user: Change | None, deleted: str) -> bool:
    """Whether a resource keeps using the deleted one although its input changes: the provider sees no difference."""
    if not user or user.kind is Kind.REPLACED:
        return False
    inputs = [input_ for input_, urn in engine.uses(old) if urn == deleted]
    return any(covered(change.path, inputs) for change in user.inputs if change.effect is Effect.NONE)


def _outlives(new: Registered, deleted_first: str) -> bool:
    """Whether a Google Cloud resource uses one that is deleted first and is not replaced with it."""
    if not new.type.startswith("gcp:"):
        return False
    inputs = [input_ for input_, urn in engine.uses(new) if urn == deleted_first]
    return bool(inputs) and not any(engine.forced_by_dependency(new, input_, True, {})[0] for input_ in inputs)


def _emptied(sides: Sides, change: Change, found: Mapping[str, Change | None]) -> Change:
    """Adds a note if the replaced cluster keeps its `clusterIdentifier`: Pulumi then believes its objects exist."""
    for of in sides.after.resources:
        user = found.get(of.urn)
        replaced = user is not None and user.kind is Kind.REPLACED
        if of.type == KUBERNETES_PROVIDER and not replaced and change.urn in {urn for _, urn in engine.uses(of)}:
            return replace(change, notes=(*change.notes, EMPTIED))
    return change
