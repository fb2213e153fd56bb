"""The Kubernetes objects of a recording, as they would be sent to the cluster."""

from typing import Any

import yaml

from ops.recording import Recording, Resource

_NOT_OBJECTS = ("kubernetes:helm.sh/",)


def objects(recording: Recording) -> list[dict[str, Any]]:
    """One plain manifest an object, sorted by kind and name; secrets replaced. Helm releases are not objects."""
    found = [
        _manifest(resource)
        for resource in recording.resources
        if resource.type.startswith("kubernetes:") and not resource.type.startswith(_NOT_OBJECTS)
    ]
    return sorted(found, key=lambda m: (m["kind"], m["metadata"]["name"]))


def _manifest(resource: Resource) -> dict[str, Any]:
    head = {key: resource.inputs[key] for key in ("apiVersion", "kind", "metadata")}
    return head | {key: value for key, value in resource.inputs.items() if key not in head}


class _Dumper(yaml.SafeDumper):
    """Text of several lines, such as a script in a ConfigMap, as lines."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def to_yaml(recording: Recording) -> str:
    return yaml.dump_all(objects(recording), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
