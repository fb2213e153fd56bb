"""Resources as `pulumi preview --json` and as `preview --json` print them, in the same form. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.runtime import rpc

from ops.changes import values
from ops.offline.recorded import SECRET, UNKNOWN

# Inputs that engine and bridge add to those of the program.
_ADDED = ("__defaults", "__internal")
_ADDED_TO_PROVIDERS = ("version",)
OPTIONS = ("protect", "retainOnDelete", "ignoreChanges", "replaceOnChanges")
"""Options that both print. `deleteBeforeReplace` and `aliases` are in no state: the steps of a change show them."""


def of_engine(digest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """URN → resource, of a preview of an empty state."""
    created = (step["newState"] for step in digest["steps"] if step["op"] == "create")
    return {state["urn"]: _of_state(state) for state in created if state["type"] != "pulumi:pulumi:Stack"}


def of_preview(printed: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {resource["urn"]: _of_wire(resource) for resource in printed["resources"]}


def _of_state(state: Mapping[str, Any]) -> dict[str, Any]:
    depends = {input_: urns for input_, urns in state.get("propertyDependencies", {}).items() if urns}
    inputs = _plain(state.get("inputs", {}))
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
    options = resource["options"]
    return {
        "type": resource["type"],
        "parent": _parent(resource["parent"]),
        "provider": resource["provider"],
        "inputs": _plain(_with_secrets(resource["inputs"], "", frozenset(resource["secretPaths"]))),
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
