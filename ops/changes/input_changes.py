"""Changed inputs of one resource, through its own values or through other resources. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ops.changes import pulumi_engine as engine
from ops.changes.change import Change, InputChange, few
from ops.changes.effects import GCP_PROVIDER, Effect, Judgment, judge
from ops.changes.gcp_inputs import table
from ops.changes.previewed import Registered
from ops.changes.sides import Sides
from ops.changes.values import SECRET, UNKNOWN, at, covered, differences, short, unindexed
from policies.kinds import GOOGLE_API


def input_changes(
    sides: Sides, old: Registered, new: Registered, target: Mapping[str, Any], replaced: Mapping[str, Change]
) -> Iterator[InputChange]:
    """Every changed input of a resource. `target` is its new inputs after ignoreChanges, `replaced` the replaced
    resources."""
    yield from _own(sides, old, new, target)
    yield from _followed(sides, new, replaced)
    yield from _moved(sides, old, new)
    yield from _looked_up(sides, new, replaced)
    yield from _options(old, new)


def _own(sides: Sides, old: Registered, new: Registered, target: Mapping[str, Any]) -> Iterator[InputChange]:
    """Inputs that the provider sees as different."""
    old_provider, new_provider = sides.old.get(old.provider or ""), sides.new.get(new.provider or "")
    before = engine.as_provided(old, old.inputs, old_provider)
    after = engine.as_provided(new, target, new_provider)
    before, after = engine.aligned(new.type, before, after)
    secret = [*old.secret_paths, *new.secret_paths]
    for plain in differences(before, after):
        found = engine.from_provider(plain, old_provider)
        judged = judge(new.type, found, before, after, sides.provider_settings(new))
        if found.before == found.after or (judged.effect is Effect.NONE and not judged.why):
            continue
        judged = _replace_on_changes(judged, found.bare, new)
        was, becomes = (SECRET, SECRET) if covered(found.path, secret) else found.shown
        yield InputChange(path=found.path, before=was, after=becomes, effect=judged.effect, why=judged.why)
    if new.type == GCP_PROVIDER and at(before, "project") != at(after, "project"):
        yield from _left_behind(sides, new, at(before, "project"))


def _left_behind(sides: Sides, provider: Registered, project: Any) -> Iterator[InputChange]:
    """A failing change of the provider's project: resources without their own project would remain in the old one."""
    types = table()
    left = [
        of.name
        for of in sides.after.resources
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
            why=f"splits the stack across two projects: {few(left)} would remain in {project}",
        )


def _followed(sides: Sides, new: Registered, replaced: Mapping[str, Change]) -> Iterator[InputChange]:
    """Inputs that contain outputs of replaced resources."""
    by_input: dict[str, list[Change]] = {}
    for input_, urn in engine.uses(new):
        if urn in replaced:
            by_input.setdefault(input_, []).append(replaced[urn])
    for input_, sources in by_input.items():
        first = any(source.deleted_first for source in sources)
        names = few([source.name for source in sources])
        why = f"{names} {'is' if len(sources) == 1 else 'are'} replaced"
        yield from _by_dependency(sides, new, input_, deleted_first=first, why=why)


def _moved(sides: Sides, old: Registered, new: Registered) -> Iterator[InputChange]:
    """Inputs whose value only the cloud knows and which now come from other resources."""
    for input_, urns in new.property_dependencies.items():
        was, becomes = set(old.property_dependencies.get(input_, ())), sides.former(urns)
        if not was or was == becomes or old.inputs.get(input_) != new.inputs.get(input_):
            continue
        gained, lost = becomes - was, was - becomes
        came = few(sorted(urn.rpartition("::")[2] for urn in gained or lost))
        why = f"{'now from' if gained else 'no longer from'} {came}"
        yield from _by_dependency(sides, new, input_, deleted_first=False, why=why)


def _looked_up(sides: Sides, new: Registered, replaced: Mapping[str, Change]) -> Iterator[InputChange]:
    """Inputs whose value only a lookup knows. Lookups wait for the APIs that they call, and a preview makes none while
    one of these is replaced."""
    apis = [change.name for change in replaced.values() if change.type == GOOGLE_API]
    for input_, value in new.inputs.items() if apis else ():
        if UNKNOWN in json.dumps(value) and input_ not in new.property_dependencies:
            why = f"looked up after {few(sorted(apis))}"
            yield from _by_dependency(sides, new, input_, deleted_first=False, why=why)


def _by_dependency(
    sides: Sides, new: Registered, input_: str, *, deleted_first: bool, why: str
) -> Iterator[InputChange]:
    """The change of an input caused by another resource's change, if any."""
    forces, changes = engine.forced_by_dependency(new, input_, deleted_first, sides.provider_settings(new))
    if forces or changes:
        effect = Effect.REPLACES if forces or _replaces_on(input_, new) else Effect.UPDATES
        yield InputChange(path=input_, before="", after="", effect=effect, why=why)


def _replace_on_changes(judged: Judgment, path: str, new: Registered) -> Judgment:
    if judged.effect in (Effect.NONE, Effect.REPLACES) or not _replaces_on(path, new):
        return judged
    return Judgment(effect=Effect.REPLACES, why="replaceOnChanges")


def _replaces_on(path: str, new: Registered) -> bool:
    """Whether `replaceOnChanges` names this input or all inputs."""
    wanted = [unindexed(pattern) for pattern in new.options.get("replaceOnChanges", [])]
    return covered(path, wanted) or "*" in wanted


def _options(old: Registered, new: Registered) -> Iterator[InputChange]:
    """Changed options that matter for later updates. The engine writes them to its state and asks no provider."""
    for option in ("protect", "retainOnDelete"):
        was, becomes = bool(old.options.get(option)), bool(new.options.get(option))
        if was != becomes:
            yield InputChange(
                path=f"option {option}",
                before=short(was),
                after=short(becomes),
                effect=Effect.NONE,
                why="changes only Pulumi's state",
            )


def provider_changes(sides: Sides, old: Registered, new: Registered, replaced: Mapping[str, Change]) -> Iterator[str]:
    """Why a change of its provider replaces a resource, if it does."""
    if new.provider and new.provider in replaced:
        yield f"provider: {replaced[new.provider].name} is replaced"
    elif new.provider and old.provider and sides.former([new.provider]) != {old.provider}:
        was, becomes = sides.old[old.provider], sides.new[new.provider]
        # The engine lets the new provider compare its inputs with those of the old provider.
        if any(
            judge(becomes.type, found, was.inputs, becomes.inputs, {}).effect is Effect.REPLACES
            for found in differences(was.inputs, becomes.inputs)
        ):
            yield f"provider: {becomes.name} instead of {was.name}"
