"""The Kubernetes objects of a recording: as manifests, and as YAML for `kubectl apply`."""

import re
from collections.abc import Iterator
from typing import Any, cast

import yaml

from ops.offline.recorded import UNKNOWN, Recording, Resource
from policies import kinds
from reading.errors import join

# Kinds that other objects depend on come first, kinds not listed here follow by kind and name, and the route that
# opens the endpoint comes last.
_FIRST = (
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "Namespace",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ConfigMap",
    "NetworkPolicy",
    "ResourceClaimTemplate",
    "GKENetworkParamSet",
    "Network",
)
_LAST = "HTTPRoute"


def objects(recording: Recording) -> list[dict[str, Any]]:
    """One manifest per object, in the order to apply them, secrets replaced. Helm releases are left out."""
    return [_manifest(resource) for resource in _objects(recording)]


def to_yaml(recording: Recording, *, only: str | None = None, unicode: bool = True) -> str:
    """YAML that `kubectl apply` accepts: of all objects, or of the one that `only` names as KIND/NAME.

    Objects that contain a placeholder are left out, because applying them would overwrite the cluster's values. The
    comment on top names them. `unicode`: whether to write other characters than ASCII as they are.
    """
    chosen = [resource for resource in _objects(recording) if only in (None, _key(resource))]
    comment = "".join(f"# {line}\n" for line in _comment(recording, chosen))
    return comment + yaml.dump_all(
        [_manifest(resource) for resource in chosen if not _why_left_out(resource)],
        Dumper=_Dumper,
        explicit_start=True,
        sort_keys=False,
        width=float("inf"),  # YAML parsers disagree on folded lines
        allow_unicode=unicode,
    )


def keys(recording: Recording) -> list[str]:
    """KIND/NAME of each object, the values that `only` accepts."""
    return [_key(resource) for resource in _objects(recording)]


def _objects(recording: Recording) -> list[Resource]:
    found = [r for r in recording.resources if r.type.startswith("kubernetes:") and r.type != kinds.RELEASE]
    return sorted(found, key=_place)


def _place(resource: Resource) -> tuple[bool, int, str, str, str]:
    kind, metadata = resource.inputs["kind"], resource.inputs["metadata"]
    first = _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
    return (kind == _LAST, first, kind, metadata.get("namespace", ""), metadata["name"])


def _key(resource: Resource) -> str:
    return f"{resource.inputs['kind']}/{resource.inputs['metadata']['name']}"


def _manifest(resource: Resource) -> dict[str, Any]:
    head = {key: resource.inputs[key] for key in ("apiVersion", "kind", "metadata")}
    return head | {key: value for key, value in resource.inputs.items() if key not in head}


def _why_left_out(resource: Resource) -> str:
    """Why an object cannot be applied as printed and what to do; empty if it can."""
    metadata = resource.inputs["metadata"]
    if resource.secret_paths:
        keys = [key for path in resource.secret_paths for key in resource.inputs.get(path, ())]
        return "contains a secret. Create it with: " + " ".join(
            (
                f"kubectl create secret generic {metadata['name']} --namespace {metadata['namespace']}",
                *(f"--from-literal={key}=VALUE" for key in keys),
            )
        )
    if unknown := list(_unknown(resource.inputs, "")):
        return f"contains values that Google Cloud computes and only `pulumi up` knows: {', '.join(unknown)}"
    return ""


def _unknown(value: Any, path: str) -> Iterator[str]:
    """The paths of the values that only the cloud knows."""
    if value == UNKNOWN:
        yield path
    elif isinstance(value, dict):
        for key, inner in cast(dict[str, Any], value).items():
            yield from _unknown(inner, join(path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast(list[Any], value)):
            yield from _unknown(inner, join(path, index))


def _comment(recording: Recording, chosen: list[Resource]) -> Iterator[str]:
    """Instructions for applying the objects, one line each."""
    yield "Sorted by dependency; apply with: kubectl apply --server-side -f -"
    for release in recording.resources:
        if release.type == kinds.RELEASE:
            given = release.inputs
            yield (
                f"Install first, with Helm: release {given['name']} in namespace {given['namespace']}, "
                f"chart {given['chart']}, which installs the nvidia.com kinds"
            )
    yield "Only `pulumi up` creates the cluster, node pools, networks and buckets"
    for resource in chosen:
        if reason := _why_left_out(resource):
            yield f"LEFT OUT: {_key(resource)}: {reason}"


# Text that every YAML parser reads as text without quotes: a name, a path, a flag, an image with its tag.
_PLAIN = re.compile(r"(--)?[A-Za-z/](?:[A-Za-z0-9_./=@+,-]|:(?=[A-Za-z0-9_./-]))*")

# YAML 1.1, which `kubectl` reads, has y and n as booleans. Some parsers read the last three as numbers.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "infinity", "nan"})


class _Dumper(yaml.SafeDumper):
    """Quotes text that some YAML version reads as another type, and writes multi-line text as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    """The YAML style that every parser reads back unchanged: plain (None), a block, single or double quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return None
    if text.isprintable():  # no tab, no line break of any kind, no character that needs an escape
        return "'"
    first, *rest = text.split("\n")
    if first and not first.startswith(" ") and all(line.isprintable() for line in (first, *rest)):
        return "|"
    return '"'


_Dumper.add_representer(str, _text)
