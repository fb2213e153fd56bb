"""What the change of a resource means for those that use it and do not change with it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ops.changes import pulumi_engine as engine
from ops.changes.change import Change, Kind, few
from ops.changes.effects import KUBERNETES_PROVIDER, Effect
from ops.changes.previewed import Registered
from ops.changes.sides import Sides
from ops.changes.values import covered
from policies.kinds import CLUSTER, NETWORK, SUBNETWORK


def with_users(sides: Sides, change: Change, found: Mapping[str, Change | None]) -> Change:
    """The change, with what it means for its users. `found` has the change of every paired resource by its new URN."""
    if change.type == CLUSTER and change.kind is Kind.REPLACED:
        return _emptied(sides, change, found)
    if change.type not in (NETWORK, SUBNETWORK):
        return change
    using = list(_still_using(sides, change, found))
    if not using:
        return change
    why = f"`pulumi up` fails: {few(using)} still {'uses' if len(using) == 1 else 'use'} it when it is deleted"
    return replace(change, fails=(*change.fails, why), guarded=True)


def _still_using(sides: Sides, change: Change, found: Mapping[str, Change | None]) -> Iterator[str]:
    """The names of resources that use a network at the moment when it is deleted."""
    for old, new in sides.pairs:
        if change.kind is Kind.DELETED:
            uses = _keeps_using(old, found[new.urn], change.urn)
        else:
            uses = change.deleted_first and _outlives(new, change.urn)
        if uses:
            yield new.name


def _keeps_using(old: Registered, user: Change | None, deleted: str) -> bool:
    """Whether a resource goes on with the deleted one, though its input changes: the provider sees no difference."""
    if not user or user.kind is Kind.REPLACED:
        return False
    inputs = [input_ for input_, urn in engine.uses(old) if urn == deleted]
    return any(covered(change.path, inputs) for change in user.inputs if change.effect is Effect.NONE)


def _outlives(new: Registered, deleted_first: str) -> bool:
    """Whether a resource of Google Cloud uses one that is deleted first, and is not replaced with it."""
    if not new.type.startswith("gcp:"):
        return False
    inputs = [input_ for input_, urn in engine.uses(new) if urn == deleted_first]
    return bool(inputs) and not any(engine.forced_by_dependency(new, input_, True, {})[0] for input_ in inputs)


def _emptied(sides: Sides, change: Change, found: Mapping[str, Change | None]) -> Change:
    """Pulumi goes by the provider's `clusterIdentifier`: while it is the same, all objects count as existing."""
    for of in sides.after.resources:
        user = found.get(of.urn)
        replaced = user is not None and user.kind is Kind.REPLACED
        if of.type == KUBERNETES_PROVIDER and not replaced and change.urn in {urn for _, urn in engine.uses(of)}:
            note = "this update does not create the cluster's objects again: run `pulumi refresh`, then `pulumi up`"
            return replace(change, notes=(*change.notes, note))
    return change
