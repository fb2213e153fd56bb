"""Rules of Pulumi's engine and of its bridge to Google's provider that a forecast needs. Pure.

Sources: pulumi 3.272 (pkg/resource/deploy/step_generator.go), pulumi-terraform-bridge (pkg/tfbridge, Diff), pulumi-gcp
10.2 (provider/resources.go), pulumi-kubernetes 4.34 (provider/pkg/provider/provider.go).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.changes.effects import GCP_PROVIDER, Effect, judge
from ops.changes.gcp_inputs import ResourceType, table
from ops.changes.previewed import Registered
from ops.changes.values import MISSING, UNKNOWN, Difference, at, covered, differences

# Inputs that a resource takes from its provider when the program sets none.
_OF_THE_PROVIDER = ("project", "region", "zone")


def pairs(before: Sequence[Registered], after: Sequence[Registered]) -> list[tuple[Registered, Registered]]:
    """Old and new version of each resource that remains, matched by URN, by alias or by a parent's alias."""
    left = {resource.urn: resource for resource in before}
    by_urn = {resource.urn: resource for resource in after}
    former: dict[str, str] = {}
    found: list[tuple[Registered, Registered]] = []
    # A parent's chain of types is shorter than its child's.
    for new in sorted(after, key=lambda resource: (resource.urn.split("::")[2].count("$"), resource.urn)):
        parent = by_urn.get(new.parent or "")
        names = [new.urn, *new.options.get("aliases", [])]
        if parent and former.get(parent.urn, parent.urn) != parent.urn:
            names += [_under(former[parent.urn], parent, name) for name in names]
        old = next((left.pop(urn) for urn in names if urn in left), None)
        if old:
            former[new.urn] = old.urn
            found.append((old, new))
    return found


def _under(former_parent: str, parent: Registered, child: str) -> str:
    """A child's URN under its parent's old one. Pulumi also renames a child whose name begins with the parent's."""
    *scope, former_name = former_parent.split("::", 3)
    *_, types, name = child.split("::", 3)
    if name.startswith(parent.name):
        name = former_name + name.removeprefix(parent.name)
    return f"{'::'.join(scope)}${types.rpartition('$')[2]}::{name}"


def with_ignored(before: Any, after: Any, paths: Sequence[str]) -> Any:
    """The new inputs as the engine compares them with the old ones: paths in `ignoreChanges` keep their old value. If
    others force a replacement, that is created with the new ones."""
    for path in paths:
        steps = [quoted or plain for quoted, plain in re.findall(r'"([^"]+)"|([^.\[\]"]+)', path)]
        after = _reset(before, after, steps)
    return after


def _reset(before: Any, after: Any, steps: Sequence[str]) -> Any:
    if not steps:
        return before
    if isinstance(before, list) and isinstance(after, list):
        return _reset_list(before, after, steps)
    if isinstance(before, dict) and isinstance(after, dict):
        return _reset_object(before, after, steps)
    return after


def _reset_list(before: Sequence[Any], after: Sequence[Any], steps: Sequence[str]) -> list[Any]:
    chosen = range(len(after)) if steps[0] == "*" else [int(steps[0])] if steps[0].isdigit() else []
    return [
        _reset(before[i], item, steps[1:]) if i in chosen and i < len(before) else item for i, item in enumerate(after)
    ]


def _reset_object(before: Mapping[str, Any], after: Mapping[str, Any], steps: Sequence[str]) -> dict[str, Any]:
    changed = dict(after)
    for key in sorted({*before, *after}) if steps[0] == "*" else [steps[0]]:
        if len(steps) == 1:
            changed.pop(key, None)
            if key in before:
                changed[key] = before[key]
        elif key in before and key in after:
            changed[key] = _reset(before[key], after[key], steps[1:])
    return changed


def as_provided(resource: Registered, inputs: Mapping[str, Any], provider: Registered | None) -> dict[str, Any]:
    """Inputs as Google's provider receives them: default labels added, empty lists removed. Others are unchanged."""
    facts = table().get(resource.type)
    if not resource.type.startswith("gcp:"):
        return dict(inputs)
    found = _without_empty_lists(inputs)
    if facts and facts.labels and provider and provider.type == GCP_PROVIDER:
        labels = _object(provider.inputs.get("defaultLabels")) | (found.get(facts.labels) or {})
        if labels:
            found[facts.labels] = labels
    return found


def _without_empty_lists(inputs: Mapping[str, Any]) -> dict[str, Any]:
    def kept(value: Any) -> Any:
        if isinstance(value, Mapping):
            return _without_empty_lists(value)
        return [kept(item) for item in value] if isinstance(value, list) else value

    return {key: kept(value) for key, value in inputs.items() if value is not None and value != []}


def aligned(type_: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Any, Any]:
    """Both inputs with unordered blocks in the same order: common ones first, then the others."""
    facts = table().get(type_)
    if not facts or not any(of.unordered for of in facts.inputs.values()):
        return before, after
    return _aligned(facts, "", before, after)


def _aligned(facts: ResourceType, path: str, was: Any, becomes: Any) -> tuple[Any, Any]:
    if isinstance(was, Mapping) and isinstance(becomes, Mapping):
        sides: tuple[dict[str, Any], dict[str, Any]] = dict(was), dict(becomes)
        for key in was.keys() & becomes.keys():
            sides[0][key], sides[1][key] = _aligned(facts, f"{path}.{key}".lstrip("."), was[key], becomes[key])
        return sides
    if not isinstance(was, list) or not isinstance(becomes, list):
        return was, becomes
    before: list[Any] = list(was)
    after: list[Any] = list(becomes)
    if (of := facts.inputs.get(path)) and of.unordered:
        stays: list[Any] = []
        for item in was:
            if item in after:
                stays.append(item)
                before.remove(item)
                after.remove(item)
        before, after = [*stays, *before], [*stays, *after]
    pairs_ = [_aligned(facts, f"{path}[]", *pair) for pair in zip(before, after, strict=False)]
    common = len(pairs_)
    return [one for one, _ in pairs_] + before[common:], [other for _, other in pairs_] + after[common:]


def _object(value: Any) -> dict[str, Any]:
    """A nested input of a provider, which arrives as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return dict(value) if isinstance(value, Mapping) else {}


def from_provider(found: Difference, provider: Registered | None) -> Difference:
    """The difference, with the provider's project, region or zone for an old input that was not set."""
    if found.path not in _OF_THE_PROVIDER or found.before is not MISSING or not provider:
        return found
    return Difference(path=found.path, before=provider.inputs.get(found.path, MISSING), after=found.after)


def triggered(old: Registered, new: Registered) -> str:
    """Why the option `replacementTrigger` replaces a resource; empty if it does not, as when it is new."""
    was, becomes = (of.options.get("replacementTrigger") for of in (old, new))
    return f"replacementTrigger: from {was} to {becomes}" if was and becomes and was != becomes else ""


def deletes_first(old: Registered, new: Registered, by_provider: bool) -> bool:
    """Whether a replacement deletes the old resource before it creates the new one.

    The program's option wins, even a False; then the provider's default. If the provider itself is replaced
    (`by_provider`), the engine asks none.
    """
    if "deleteBeforeReplace" in new.options:
        return bool(new.options["deleteBeforeReplace"])
    if by_provider:
        return False
    if facts := table().get(new.type):
        return facts.delete_first or bool(facts.name and new.inputs.get(facts.name))
    if new.type.startswith("kubernetes:") and not new.type.startswith("kubernetes:helm.sh/"):
        return _identity(old) == _identity(new) and old.physical_name is not None
    return False


def _identity(of: Registered) -> tuple[str | None, str]:
    metadata: Mapping[str, Any] = of.inputs.get("metadata") or {}
    return of.physical_name, metadata.get("namespace") or "default"


def forced_by_dependency(
    of: Registered, input_: str, deleted_first: bool, provider: Mapping[str, Any]
) -> tuple[bool, bool]:
    """Whether an input with outputs of a replaced resource forces a replacement, and whether it changes at all.

    If the replaced resource is deleted first, the engine treats the whole input as unknown, to find what must be
    deleted before. Of an unknown block only the block's own flag counts (pulumi-terraform-bridge,
    detailed_diff_unknown_test.go). Otherwise only unknown values count. `ignoreChanges` applies in both cases.
    """
    if covered(input_, of.options.get("ignoreChanges", [])):
        return False, False
    value = of.inputs.get(input_)
    unknown = [leaf for leaf in differences({}, {input_: value}) if UNKNOWN in json.dumps(leaf.after, default=str)]
    if not deleted_first:
        return any(_forces(of, _unknown_after(leaf), provider) for leaf in unknown), bool(unknown)
    after = {**of.inputs, input_: UNKNOWN}
    before = {**of.inputs, input_: "[old]"} if value == UNKNOWN else of.inputs
    return any(_forces(of, found, provider) for found in differences(before, after)), bool(unknown)


def _unknown_after(leaf: Difference) -> Difference:
    was = "[old]" if leaf.after == UNKNOWN else leaf.after
    return Difference(path=leaf.path, before=was, after=UNKNOWN)


def _forces(of: Registered, found: Difference, provider: Mapping[str, Any]) -> bool:
    return judge(of.type, found, of.inputs, of.inputs, provider).effect is Effect.REPLACES


def uses(of: Registered) -> Iterator[tuple[str, str]]:
    """Input and URN of each resource whose outputs the input contains."""
    for input_, urns in of.property_dependencies.items():
        if at(of.inputs, input_) is not MISSING:
            for urn in urns:
                yield input_, urn
