"""Converts a registration, as Pulumi's SDK sends it, to plain data, and replaces secrets and unknown values."""

import re
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import rpc, settings
from pulumi.runtime.proto import alias_pb2, resource_pb2

from ops.offline.recorded import SECRET, UNKNOWN, Resource


def urn_of(parent: str, type_: str, name: str) -> str:
    chain = [part for part in parent.split("::")[2].split("$") if part != "pulumi:pulumi:Stack"] if parent else []
    qualified = "$".join([*chain, type_])
    return f"urn:pulumi:{settings.get_stack()}::{settings.get_project()}::{qualified}::{name}"


def _former_urn(alias: alias_pb2.Alias, request: resource_pb2.RegisterResourceRequest) -> str:
    """The URN that an alias stands for. Parts that the alias omits are the resource's current ones."""
    if alias.urn:
        return alias.urn
    former = alias.spec
    parent = "" if former.noParent else former.parentUrn or request.parent
    return urn_of(parent, former.type or request.type, former.name or request.name)


def resource(urn: str, request: resource_pb2.RegisterResourceRequest) -> Resource:
    inputs, secret_paths = plain(request.object)
    provider = request.provider.rpartition("::")[0] or None  # "<urn>::<id>"
    options: dict[str, Any] = {
        "protect": request.protect,
        "retainOnDelete": request.retainOnDelete,
        "ignoreChanges": list(request.ignoreChanges),
        "replaceOnChanges": list(request.replaceOnChanges),
        "aliases": [_former_urn(alias, request) for alias in request.aliases],
        "customTimeouts": {
            step: getattr(request.customTimeouts, step)
            for step in ("create", "update", "delete")
            if getattr(request.customTimeouts, step)
        },
    }
    # Input → URNs of the resources whose outputs it contains.
    options["propertyDependencies"] = {
        key: sorted(found.urns) for key, found in sorted(request.propertyDependencies.items()) if found.urns
    }
    options = {key: value for key, value in options.items() if value}
    if request.deleteBeforeReplaceDefined:  # False matters too: the provider may request the opposite
        options["deleteBeforeReplace"] = request.deleteBeforeReplace
    if request.HasField("replacement_trigger"):
        options["replacementTrigger"] = _value(request.replacement_trigger, "", [])
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent or None,
        provider=provider,
        inputs=inputs,
        depends_on=tuple(sorted(request.dependencies)),
        options=options,
        secret_paths=tuple(secret_paths),
    )


def plain(struct: struct_pb2.Struct) -> tuple[dict[str, Any], list[str]]:
    """A request's struct as plain data, and the paths of its secrets."""
    secrets: list[str] = []
    return _object(struct, "", secrets), sorted(secrets, key=_natural)


def _object(struct: struct_pb2.Struct, path: str, secrets: list[str]) -> Any:
    """An object as plain data, or `[secret]` if it wraps a secret. Adds the secrets' paths to `secrets`."""
    signature = struct.fields[rpc._special_sig_key].string_value if rpc._special_sig_key in struct.fields else ""
    if signature == rpc._special_secret_sig:
        secrets.append(path)
        return _masked(struct.fields["value"])
    return {key: _value(struct.fields[key], f"{path}.{key}".lstrip("."), secrets) for key in sorted(struct.fields)}


def _value(value: struct_pb2.Value, path: str, secrets: list[str]) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _object(value.struct_value, path, secrets)
        case "list_value":
            return [_value(item, f"{path}[{i}]", secrets) for i, item in enumerate(value.list_value.values)]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _masked(value: struct_pb2.Value) -> Any:
    """A secret object's keys with `[secret]` as values, so that a rendered Secret is still an object."""
    if value.WhichOneof("kind") == "struct_value":
        return dict.fromkeys(sorted(value.struct_value.fields), SECRET)
    return SECRET


def _natural(path: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path)]
