"""Compares two previews of a stack, read from `preview --json`, resource by resource. Pure.

Values that a preview does not know are not compared: an input that only the cloud knows is `[unknown]` on both sides,
or is made so (`unknowns`); a secret is `[secret]`, so a changed token does not show here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ops.changes import graphs, lock_out, losses, pool_size, version_steps
from ops.changes import pulumi_engine as engine
from ops.changes.change import Change, Comparison, InputChange, Kind, few
from ops.changes.dependents import with_dependents
from ops.changes.effects import Effect
from ops.changes.gcp_inputs import table
from ops.changes.input_changes import input_changes, provider_changes
from ops.changes.pool_size import Nodes, size
from ops.changes.previewed import Registered, Snapshot
from ops.changes.sides import Sides, planned_nodes
from ops.changes.values import differences
from policies.kinds import CLUSTER, GRAPH, NODE_POOL


def compare(before: Snapshot, after: Snapshot) -> Comparison:
    """The changes from the deployed preview to the new one."""
    sides = Sides(before, after)
    kept = {old.urn for old, _ in sides.pairs}
    known = {new.urn for _, new in sides.pairs}
    found = _updates(sides)
    gone = [_deleted(old, before) for old in before.resources if old.urn not in kept]
    changed = [with_dependents(sides, change, found) for change in (*gone, *found.values()) if change]
    created = [
        Change(kind=Kind.CREATED, urn=new.urn, type=new.type, name=new.name)
        for new in after.resources
        if new.urn not in known
    ]
    listed = [change for change in (*changed, *created) if not change.type.startswith("dynamo-gke:")]
    order = list(Kind)
    return Comparison(
        changes=tuple(sorted(listed, key=lambda change: (order.index(change.kind), change.urn))),
        rolling=tuple(
            sorted(
                str(new.physical_name)
                for old, new in sides.pairs
                if new.type == GRAPH and graphs.restarts(old.inputs, new.inputs)
            )
        ),
        cost_before=before.cost,
        cost_after=after.cost,
        not_compared=sides.not_compared,
    )


def _updates(sides: Sides) -> dict[str, Change | None]:
    """New URN → update or replacement of each paired resource; None if nothing changes."""
    replaced: dict[str, Change] = {}
    # A replacement may force its dependents to be replaced; each round finds one more step of the chain.
    while True:
        found = {new.urn: _changed(sides, old, new, replaced) for old, new in sides.pairs}
        found_replaced = {urn: change for urn, change in found.items() if change and change.kind is Kind.REPLACED}
        if found_replaced.keys() == replaced.keys():
            return found
        replaced = found_replaced


def _deleted(old: Registered, before: Snapshot) -> Change:
    kept = bool(old.options.get("retainOnDelete"))
    nodes = Nodes(minimum=0, maximum=0) if kept else size(old.inputs, planned_nodes(before, old.inputs))
    return Change(
        kind=Kind.DELETED,
        urn=old.urn,
        type=old.type,
        name=old.name,
        protected=bool(old.options.get("protect")),
        guarded=losses.guarded(old),
        releases=losses.released(old, nodes),
        loss=losses.loss(old),
        notes=("remains in the cloud, no longer managed (retainOnDelete)",) if kept else (),
    )


def _changed(sides: Sides, old: Registered, new: Registered, replaced: Mapping[str, Change]) -> Change | None:
    """The update or replacement of one resource; None if nothing changes."""
    target = engine.with_ignored(old.inputs, new.inputs, new.options.get("ignoreChanges", []))
    inputs = list(input_changes(sides, old, new, target, replaced))
    because = [change.path if not change.why else f"{change.path}: {change.why}" for change in inputs if change.forces]
    because += provider_changes(sides, old, new, replaced)
    because += filter(None, [engine.triggered(old, new)])
    if because:
        return _replaced(sides, old, new, target, inputs, because)
    if not inputs:
        return None
    emptied = any(change.type == CLUSTER for change in replaced.values())
    return _updated(sides, old, new, target, inputs, emptied=emptied)


def _replaced(
    sides: Sides,
    old: Registered,
    new: Registered,
    target: Any,
    inputs: Sequence[InputChange],
    because: Sequence[str],
) -> Change:
    deleted_first = engine.deletes_first(old, new, any(why.startswith("provider: ") for why in because))
    fails: list[str] = []
    ignored = dict.fromkeys(found.bare for found in differences(target, new.inputs))
    if old.options.get("retainOnDelete") and _named(new) and old.physical_name == new.physical_name:
        fails.append("`pulumi up` fails: the old resource remains (retainOnDelete) and keeps the name")
    return Change(
        kind=Kind.REPLACED,
        urn=new.urn,
        type=new.type,
        name=new.name,
        # A replaced resource is not updated, so only inputs that force the replacement have an effect.
        inputs=tuple(i if i.forces else replace(i, effect=Effect.UPDATES, why="") for i in inputs),
        because=tuple(dict.fromkeys(because)),
        deleted_first=deleted_first,
        protected=bool(old.options.get("protect")),
        guarded=losses.guarded(old),
        releases=losses.released(old, size(old.inputs, planned_nodes(sides.before, old.inputs))),
        loss=losses.loss(old),
        fails=tuple(fails),
        notes=(f"created with the new value of {few(list(ignored))}, which an update ignores",) if ignored else (),
        renamed_from=_renamed(old, new),
    )


def _updated(
    sides: Sides,
    old: Registered,
    new: Registered,
    target: Mapping[str, Any],
    inputs: Sequence[InputChange],
    *,
    emptied: bool,
) -> Change:
    """The update of one resource. `emptied`: a replaced cluster has none of its old pods."""
    effects = [change.effect for change in inputs]
    kind = Kind.UNCHANGED if all(effect is Effect.NONE for effect in effects) else Kind.UPDATED
    planned = sides.planned_nodes(old.inputs, target)
    moves = Effect.RELEASES_NODES in effects
    releases = losses.released(old, pool_size.released(old.inputs, target, planned, moves))
    lost = losses.lost_in_place(new.type, effects)
    fails = [change.why for change in inputs if change.effect is Effect.FAILS]
    if new.type == GRAPH:
        fails += graphs.refused(old.inputs, target)
        fails += [] if emptied else filter(None, [lock_out.of_previews(new, sides)])
    return Change(
        kind=kind,
        urn=new.urn,
        type=new.type,
        name=new.name,
        inputs=tuple(inputs),
        guarded=bool(releases or lost or fails),
        releases=releases,
        loss=lost,
        skips=version_steps.of_platform(old, target),
        fails=tuple(fails),
        notes=(*_idle(old, target, planned), *filter(None, [version_steps.of_runtime(old, target)])),
        renamed_from=_renamed(old, new),
    )


def _renamed(old: Registered, new: Registered) -> str | None:
    return old.urn if old.urn != new.urn else None


def _named(of: Registered) -> bool:
    facts = table().get(of.type)
    return bool(facts and facts.name)


def _idle(old: Registered, target: Mapping[str, Any], planned: tuple[int, int]) -> Iterator[str]:
    """A note on nodes that the autoscaler may release because of a lower minimum; the update itself releases none."""
    if old.type == NODE_POOL and losses.gpu(old) and pool_size.scaled(target):
        lower = size(old.inputs, planned[0]).minimum - size(target, planned[1]).minimum
        if lower > 0:
            yield f"the autoscaler may release {lower} more {'node' if lower == 1 else 'nodes'} while idle"
