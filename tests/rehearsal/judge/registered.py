"""Resources as `pulumi preview --json` and as `preview --json` print them, in the same form. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi.runtime import rpc

from ops.changes import values
from ops.changes.pulumi_engine import with_ignored
from ops.offline.recorded import SECRET, UNKNOWN
from ops.rehearsal.engine.events import type_of
from policies import kinds

# Inputs that engine and bridge add to those of the program.
_ADDED = ("__defaults", "__internal")
_ADDED_TO_PROVIDERS = ("version",)
# Type → path → value that the Kubernetes provider drops, because its absence says the same.
_DROPPED = {kinds.PERSISTENT_VOLUME: {"spec.storageClassName": ""}, kinds.RELEASE: {"compat": "true"}}
# Type → inputs that have the answer of a lookup, which only a deployed stack knows.
_LOOKED_UP = {
    kinds.BUDGET: ("billingAccount", "budgetFilter"),
    kinds.CLUSTER: ("minMasterVersion",),
    **dict.fromkeys(kinds.GRANTS, ("member",)),
}
OPTIONS = ("protect", "retainOnDelete", "ignoreChanges", "replaceOnChanges", "replacementTrigger")
"""Options that both print. The steps of a change show `deleteBeforeReplace`, which no state has, and those of a release
that renames everything show `aliases`."""


def of_engine(digest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """URN → resource, of what a preview registers. What it deletes has no new state."""
    states = (step["newState"] for step in digest["steps"] if "newState" in step)
    return {state["urn"]: _of_state(state) for state in states if state["type"] != "pulumi:pulumi:Stack"}


def of_preview(printed: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {resource["urn"]: _of_wire(resource) for resource in printed["resources"]}


def _of_state(state: Mapping[str, Any]) -> dict[str, Any]:
    depends = {input_: urns for input_, urns in state.get("propertyDependencies", {}).items() if urns}
    inputs = _provided(state["type"], _plain(state.get("inputs", {})))
    if state["type"].startswith("pulumi:providers:"):
        inputs = {key: value for key, value in inputs.items() if key not in _ADDED_TO_PROVIDERS}
    return {
        "type": state["type"],
        "parent": _parent(state.get("parent")),
        "provider": state.get("provider", "").rpartition("::")[0] or None,
        "inputs": inputs,
        "dependsOn": sorted(state.get("dependencies", [])),
        "propertyDependencies": {input_: sorted(urns) for input_, urns in depends.items()},
        "customTimeouts": dict(state.get("customTimeouts") or {}),
        **{option: state[option] for option in OPTIONS if state.get(option)},
    }


def _of_wire(resource: Mapping[str, Any]) -> dict[str, Any]:
    options, secret = resource["options"], frozenset(resource["secretPaths"])
    return {
        "type": resource["type"],
        "parent": _parent(resource["parent"]),
        "provider": resource["provider"],
        "inputs": _provided(resource["type"], _plain(_with_secrets(resource["inputs"], "", secret))),
        "dependsOn": sorted(resource["dependsOn"]),
        "propertyDependencies": options.get("propertyDependencies", {}),
        "customTimeouts": {step: _seconds(text) for step, text in options.get("customTimeouts", {}).items()},
        **{option: options[option] for option in OPTIONS if options.get(option)},
    }


def _seconds(duration: str) -> float:
    """`1h30m` in seconds, as a state has it."""
    unit = {"h": 3600, "m": 60, "s": 1}
    return sum(int(count) * unit[letter] for count, letter in re.findall(r"(\d+)([hms])", duration))


def _parent(urn: str | None) -> str | None:
    """The stack is the parent of what has no other."""
    return None if not urn or "::pulumi:pulumi:Stack::" in urn else urn


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key not in _ADDED}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str) and value.startswith("{"):  # nested inputs of a provider are JSON, in any order
        return json.loads(value)
    return UNKNOWN if value == rpc.UNKNOWN else value


def _provided(type_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs as the Kubernetes provider gives them to the engine, if it is asked: a Secret's texts as data, without
    what it drops, and without the defaults that it adds to a release."""
    if type_ == kinds.SECRET:
        inputs = {"data" if key == "stringData" else key: value for key, value in inputs.items()}
    for path, value in _DROPPED.get(type_, {}).items():
        inputs = _without(inputs, path.split("."), value)
    if type_ == kinds.RELEASE:
        inputs = {key: value for key, value in inputs.items() if value != "" and value is not False}
    return inputs


def _without(inputs: dict[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    first, *rest = path
    if rest and isinstance(block := inputs.get(first), dict):
        return {**inputs, first: _without(block, rest, value)}
    return {key: inner for key, inner in inputs.items() if (key, inner) != (first, value)}


def _with_secrets(value: Any, path: str, secrets: frozenset[str]) -> Any:
    """The inputs with one word for each secret, as the engine prints it, instead of the secret's keys."""
    if path in secrets:
        return SECRET
    if isinstance(value, dict):
        return {key: _with_secrets(inner, f"{path}.{key}".lstrip("."), secrets) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_secrets(item, f"{path}[{i}]", secrets) for i, item in enumerate(value)]
    return value


def differences(ours: Mapping[str, Mapping[str, Any]], engine: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each resource and part that differ."""
    for urn in sorted({*ours, *engine}):
        said, done = ours.get(urn), engine.get(urn)
        if said is None or done is None:
            yield f"{urn}: only {'the engine' if said is None else 'preview --json'} has it"
            continue
        for found in values.differences(said, done):
            yield f"{urn} {found.path}: printed {found.before!r}, the engine has {found.after!r}"


def differences_of_change(
    before: Mapping[str, Any], after: Mapping[str, Any], digest: Mapping[str, Any]
) -> Iterator[str]:
    """The same after a change of a deployed stack, of what `preview --json` prints before and after it.

    A preview without a cloud prints the program's own inputs, and knows no output. So an input in `ignoreChanges` keeps
    its old value here unless the resource is replaced. An output of another resource or the answer of a lookup, which
    the preview does not know, is taken from the engine.
    """
    engine = of_engine(digest)
    replaced = {step["urn"] for step in digest["steps"] if step["op"] == "replace"}
    was = {urn: resource for urn, resource in of_preview(before).items() if urn not in replaced}
    ours = {
        urn: _as_deployed(resource, was.get(urn), engine[urn]) if urn in engine else resource
        for urn, resource in of_preview(after).items()
    }
    yield from differences(ours, engine)


def _as_deployed(
    resource: Mapping[str, Any], was: Mapping[str, Any] | None, engine: Mapping[str, Any]
) -> dict[str, Any]:
    """A printed resource as the engine has it in a deployed stack. `was`: the one before, unless it is replaced."""
    inputs = resource["inputs"]
    if was:
        inputs = with_ignored(was["inputs"], inputs, resource.get("ignoreChanges", []))
    unknown = {*resource["propertyDependencies"], *_LOOKED_UP.get(resource["type"], ())}
    answered = _answered(inputs, engine["propertyDependencies"])
    depends = {input_: {*resource["propertyDependencies"].get(input_, []), *urns} for input_, urns in answered.items()}
    return {
        **resource,
        "inputs": {
            input_: _known(value, engine["inputs"].get(input_)) if input_ in unknown else value
            for input_, value in inputs.items()
        },
        "propertyDependencies": resource["propertyDependencies"]
        | {input_: sorted(urns) for input_, urns in depends.items()},
        "dependsOn": sorted({*resource["dependsOn"], *(urn for urns in answered.values() for urn in urns)}),
    }


def _answered(inputs: Mapping[str, Any], depends: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Input → enabled APIs for which it waits, because it has the answer of a lookup. Pulumi's SDK tells of them only
    once the lookup is answered, so no preview of a new stack has them."""
    apis = {input_: [urn for urn in urns if type_of(urn) == kinds.GOOGLE_API] for input_, urns in depends.items()}
    return {input_: urns for input_, urns in apis.items() if urns and UNKNOWN in json.dumps(inputs.get(input_))}


def _known(value: Any, engine: Any) -> Any:
    """The value with the engine's own in each place that is unknown."""
    if value == UNKNOWN and engine is not None:
        return engine
    if isinstance(value, dict) and isinstance(engine, dict):
        return {key: _known(inner, engine.get(key)) for key, inner in value.items()}
    if isinstance(value, list) and isinstance(engine, list) and len(value) == len(engine):
        return [_known(*pair) for pair in zip(value, engine, strict=True)]
    return value
