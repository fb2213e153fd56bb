"""What a change does to a stack: two previews compared, resource by resource. Pure; both come as `preview --json`.

What a preview does not know is not compared: an input that only the cloud knows is `[unknown]` on both sides, a secret
`[secret]` on both, so a new token does not show here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ops.changes import losses, pool_size
from ops.changes import pulumi_engine as engine
from ops.changes.change import Change, Comparison, InputChange, Kind, few
from ops.changes.effects import (
    CLUSTER,
    GCP_PROVIDER,
    KUBERNETES_PROVIDER,
    NODE_POOL,
    SUBNETWORK,
    Effect,
    Judgement,
    judge,
)
from ops.changes.gcp_inputs import table
from ops.changes.losses import GRAPH, NETWORK
from ops.changes.pool_size import Nodes, size
from ops.changes.previewed import Registered, Snapshot
from ops.changes.values import SECRET, at, covered, differences, short


def compare(before: Snapshot, after: Snapshot) -> Comparison:
    """What leads from one to the other, if the old one is what is deployed."""
    paired = engine.pairs(before.resources, after.resources)
    kept = {old.urn for old, _ in paired}
    known = {new.urn for _, new in paired}
    comparing = _Comparing(before, after, {new.urn: old.urn for old, new in paired})
    renewed: dict[str, Change] = {}
    # A replacement replaces what follows it; each round finds one more step of the chain.
    while True:
        found = {new.urn: comparing.changed(old, new, renewed) for old, new in paired}
        replaced = {urn: change for urn, change in found.items() if change and change.kind is Kind.REPLACED}
        if replaced.keys() == renewed.keys():
            break
        renewed = replaced
    deleted = (_deleted(old, before) for old in before.resources if old.urn not in kept)
    changes = [
        *(comparing.with_users(change, found, paired) for change in deleted),
        *(comparing.with_users(change, found, paired) for change in found.values() if change),
        *(
            Change(kind=Kind.CREATED, urn=new.urn, type=new.type, name=new.name)
            for new in after.resources
            if new.urn not in known
        ),
    ]
    order = list(Kind)
    return Comparison(
        changes=tuple(
            sorted(
                (change for change in changes if not change.type.startswith("dynamo-gke:")),
                key=lambda change: (order.index(change.kind), change.urn),
            )
        ),
        rolling=tuple(sorted(str(new.physical_name) for old, new in paired if _rolls(old, new))),
        cost_before=before.cost,
        cost_after=after.cost,
    )


def _deleted(old: Registered, before: Snapshot) -> Change:
    kept = bool(old.options.get("retainOnDelete"))
    nodes = Nodes(least=0, most=0) if kept else size(old.inputs, _planned(before, old.inputs))
    return Change(
        kind=Kind.DELETED,
        urn=old.urn,
        type=old.type,
        name=old.name,
        protected=bool(old.options.get("protect")),
        guarded=losses.guarded(old),
        releases=losses.released(old, nodes),
        loss=losses.loss(old),
        notes=("stays in the cloud, no longer managed (retainOnDelete)",) if kept else (),
    )


class _Comparing:
    """Two snapshots and what belongs to what in them."""

    def __init__(self, before: Snapshot, after: Snapshot, former: Mapping[str, str]) -> None:
        self.before, self.after, self.former = before, after, former
        self.old, self.new = before.by_urn(), after.by_urn()

    def changed(self, old: Registered, new: Registered, renewed: Mapping[str, Change]) -> Change | None:
        """The update or replacement of one resource; None when nothing changes."""
        ignored = new.options.get("ignoreChanges", [])
        target = engine.with_ignored(old.inputs, new.inputs, ignored)
        inputs = [
            *self._inputs(old, new, target),
            *self._followed(new, renewed, ignored),
            *self._moved(old, new, ignored),
            *_options(old, new),
        ]
        because = [
            change.path if not change.why else f"{change.path}: {change.why}" for change in inputs if change.forces
        ]
        of_provider = list(self._provider_changes(old, new, renewed))
        if because or of_provider:
            return self._replaced(old, new, target, inputs, [*because, *of_provider])
        if not inputs:
            return None
        kind = Kind.UNCHANGED if all(change.effect is Effect.NONE for change in inputs) else Kind.UPDATED
        return self._updated(old, new, target, kind, inputs)

    def _replaced(
        self, old: Registered, new: Registered, target: Any, inputs: Sequence[InputChange], because: Sequence[str]
    ) -> Change:
        deleted_first = engine.deletes_first(old, new, all(why.startswith("provider") for why in because))
        fails: list[str] = []
        kept = dict.fromkeys(found.bare for found in differences(target, new.inputs))
        if old.options.get("retainOnDelete") and _named(new) and old.physical_name == new.physical_name:
            fails.append("`pulumi up` fails: the old one is kept (retainOnDelete), and its name is taken")
        return Change(
            kind=Kind.REPLACED,
            urn=new.urn,
            type=new.type,
            name=new.name,
            # Nothing is updated, so only what forces has an effect of its own.
            inputs=tuple(i if i.forces else replace(i, effect=Effect.UPDATES, why="") for i in inputs),
            because=tuple(dict.fromkeys(because)),
            deleted_first=deleted_first,
            protected=bool(old.options.get("protect")),
            guarded=losses.guarded(old),
            releases=losses.released(old, size(old.inputs, _planned(self.before, old.inputs))),
            loss=losses.loss(old),
            fails=tuple(fails),
            notes=(f"created with the old {few(list(kept))} (ignoreChanges)",) if kept else (),
            renamed_from=self._renamed(old, new),
        )

    def _updated(
        self, old: Registered, new: Registered, target: Mapping[str, Any], kind: Kind, inputs: Sequence[InputChange]
    ) -> Change:
        effects = [change.effect for change in inputs]
        planned = _planned(self.before, old.inputs), _planned(self.after, target)
        moves = Effect.RELEASES_NODES in effects
        releases = losses.released(old, pool_size.released(old.inputs, target, planned, moves))
        lost = losses.lost_in_place(new.type, effects)
        fails = tuple(change.why for change in inputs if change.effect is Effect.FAILS)
        return Change(
            kind=kind,
            urn=new.urn,
            type=new.type,
            name=new.name,
            inputs=tuple(inputs),
            guarded=bool(releases or lost or fails),
            releases=releases,
            loss=lost,
            fails=fails,
            notes=tuple(_idle(old, target, planned)),
            renamed_from=self._renamed(old, new),
        )

    def _inputs(self, old: Registered, new: Registered, target: Mapping[str, Any]) -> Iterator[InputChange]:
        """Inputs that differ as the provider sees them."""
        old_provider, new_provider = self.old.get(old.provider or ""), self.new.get(new.provider or "")
        before = engine.as_provided(old, old.inputs, old_provider)
        after = engine.as_provided(new, target, new_provider)
        before, after = engine.aligned(new.type, before, after)
        settings = self._settings(new)
        secret = [*old.secret_paths, *new.secret_paths]
        for plain in differences(before, after):
            found = engine.from_provider(plain, old_provider)
            judged = judge(new.type, found, before, after, settings)
            if found.before == found.after or (judged.effect is Effect.NONE and not judged.why):
                continue
            judged = _replace_on_changes(judged, found.bare, new)
            was, becomes = (SECRET, SECRET) if covered(found.path, secret) else found.shown
            yield InputChange(path=found.path, before=was, after=becomes, effect=judged.effect, why=judged.why)
        if new.type == GCP_PROVIDER and at(before, "project") != at(after, "project"):
            yield from self._left_behind(new, at(before, "project"))

    def _left_behind(self, provider: Registered, project: Any) -> Iterator[InputChange]:
        """What says no project of its own stays where it is when its provider's changes: the stack is split."""
        types = table()
        left = [
            of.name
            for of in self.after.resources
            if of.provider == provider.urn
            and of.type in types
            and "project" in types[of.type].inputs
            and "project" not in of.inputs
        ]
        if left:
            yield InputChange(
                path="project",
                before=short(project),
                after="",
                effect=Effect.FAILS,
                why=f"splits the stack over two projects: {few(left)} stay in {project}",
            )

    def _followed(
        self, new: Registered, renewed: Mapping[str, Change], ignored: Sequence[str]
    ) -> Iterator[InputChange]:
        """Inputs that hold outputs of resources that are replaced."""
        settings = self._settings(new)
        by_input: dict[str, list[Change]] = {}
        for input_, urn in engine.uses(new):
            if urn in renewed:
                by_input.setdefault(input_, []).append(renewed[urn])
        for input_, sources in by_input.items():
            first = any(source.deleted_first for source in sources)
            if covered(input_, ignored) and not first:
                continue
            forces, changes = engine.forced_by_dependency(new, input_, first, settings)
            if forces or (changes and not covered(input_, ignored)):
                names = few([source.name for source in sources])
                yield InputChange(
                    path=input_,
                    before="",
                    after="",
                    effect=Effect.REPLACES if forces or _replaces_on(input_, new) else Effect.UPDATES,
                    why=f"{names} {'is' if len(sources) == 1 else 'are'} replaced",
                )

    def _moved(self, old: Registered, new: Registered, ignored: Sequence[str]) -> Iterator[InputChange]:
        """Inputs whose value only the cloud knows, and that come from other resources than before."""
        for input_, urns in new.property_dependencies.items():
            was = set(old.property_dependencies.get(input_, ()))
            becomes = {self.former.get(urn, urn) for urn in urns}
            if not was or was == becomes or old.inputs.get(input_) != new.inputs.get(input_):
                continue
            forces, changes = engine.forced_by_dependency(new, input_, False, self._settings(new))
            if changes and not covered(input_, ignored):
                effect = Effect.REPLACES if forces or _replaces_on(input_, new) else Effect.UPDATES
                came = few(sorted(urn.rpartition("::")[2] for urn in becomes - was or was - becomes))
                why = f"{'now from' if becomes - was else 'no longer from'} {came}"
                yield InputChange(path=input_, before="", after="", effect=effect, why=why)

    def _settings(self, new: Registered) -> Mapping[str, Any]:
        """The inputs of a resource's provider."""
        provider = self.new.get(new.provider or "")
        return provider.inputs if provider else {}

    def _provider_changes(self, old: Registered, new: Registered, renewed: Mapping[str, Change]) -> Iterator[str]:
        if new.provider and new.provider in renewed:
            yield f"provider: {renewed[new.provider].name} is replaced"
        elif new.provider and old.provider and self.former.get(new.provider) != old.provider:
            was, becomes = self.old[old.provider], self.new[new.provider]
            # The engine has the new provider compare its own inputs with those of the old one.
            if any(
                judge(becomes.type, found, was.inputs, becomes.inputs, {}).effect is Effect.REPLACES
                for found in differences(was.inputs, becomes.inputs)
            ):
                yield f"provider: {becomes.name} instead of {was.name}"

    def with_users(
        self, change: Change, found: Mapping[str, Change | None], paired: Sequence[tuple[Registered, Registered]]
    ) -> Change:
        """The change, with what it means for those that use the resource, as far as they do not change with it."""
        if change.type == CLUSTER and change.kind is Kind.REPLACED:
            return self._emptied(change, found)
        if change.type not in (NETWORK, SUBNETWORK):
            return change
        using: list[str] = []
        for old, new in paired:
            user = found[new.urn]
            if change.kind is Kind.DELETED:
                if user and user.kind is Kind.REPLACED:
                    continue
                inputs = [input_ for input_, urn in engine.uses(old) if urn == change.urn]
                stays = [i.path for i in user.inputs if i.effect is Effect.NONE] if user else []
                if any(covered(path, inputs) for path in stays):
                    using.append(new.name)
            elif change.deleted_first and new.type.startswith("gcp:"):
                inputs = [input_ for input_, urn in engine.uses(new) if urn == change.urn]
                if inputs and not any(engine.forced_by_dependency(new, input_, True, {})[0] for input_ in inputs):
                    using.append(new.name)
        if not using:
            return change
        why = f"`pulumi up` fails: {few(using)} still {'uses' if len(using) == 1 else 'use'} it when it is deleted"
        return replace(change, fails=(*change.fails, why), guarded=True)

    def _emptied(self, change: Change, found: Mapping[str, Change | None]) -> Change:
        """Pulumi goes by the provider's `clusterIdentifier`: with the same one it takes all objects as still there."""
        for of in self.after.resources:
            user = found.get(of.urn)
            replaced = user is not None and user.kind is Kind.REPLACED
            if of.type == KUBERNETES_PROVIDER and not replaced and change.urn in {urn for _, urn in engine.uses(of)}:
                note = "this update does not create the cluster's objects again: run `pulumi refresh`, then `pulumi up`"
                return replace(change, notes=(*change.notes, note))
        return change

    @staticmethod
    def _renamed(old: Registered, new: Registered) -> str | None:
        return old.urn if old.urn != new.urn else None


def _replace_on_changes(judged: Judgement, path: str, new: Registered) -> Judgement:
    if judged.effect in (Effect.NONE, Effect.REPLACES) or not _replaces_on(path, new):
        return judged
    return Judgement(effect=Effect.REPLACES, why="replaceOnChanges")


def _replaces_on(path: str, new: Registered) -> bool:
    """Whether `replaceOnChanges` names an input, or all."""
    wanted = [re.sub(r"\[[^\]]*\]", "", pattern) for pattern in new.options.get("replaceOnChanges", [])]
    return covered(path, wanted) or "*" in wanted


def _options(old: Registered, new: Registered) -> Iterator[InputChange]:
    """Options that matter after the update, and one that replaces by itself."""
    for option in ("protect", "retainOnDelete"):
        was, becomes = bool(old.options.get(option)), bool(new.options.get(option))
        if was != becomes:
            yield InputChange(path=f"option {option}", before=short(was), after=short(becomes))


def _named(of: Registered) -> bool:
    facts = table().get(of.type)
    return bool(facts and facts.name)


def _planned(of: Snapshot, pool: Mapping[str, Any]) -> int:
    """The nodes of a pool by the plan."""
    return of.nodes.get(str(pool.get("name")), 0)


def _idle(old: Registered, target: Mapping[str, Any], planned: tuple[int, int]) -> Iterator[str]:
    """What a lower minimum lets the autoscaler do, which no update does by itself."""
    if old.type == NODE_POOL and losses.gpu(old) and pool_size.scaled(target):
        lower = size(old.inputs, planned[0]).least - size(target, planned[1]).least
        if lower > 0:
            yield f"the autoscaler may release {lower} more {'node' if lower == 1 else 'nodes'} while idle"


def _rolls(old: Registered, new: Registered) -> bool:
    """Whether all workers of a graph restart: anything of a worker changes but how many there are.

    The operator gives all workers of a graph one generation, so one role's change restarts both (docs/upgrades.md).
    """
    if new.type != GRAPH:
        return False
    workers = {
        part["name"]
        for inputs in (old.inputs, new.inputs)
        for part in inputs["spec"]["components"]
        if part.get("type") != "frontend"
    }
    return any(
        match[1] in workers and match[2] != "replicas"
        for found in differences(old.inputs, new.inputs)
        if (match := re.match(r"spec\.components\[([^\]]+)\]\.?([^.\[]*)", found.path))
    )
