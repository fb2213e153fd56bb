"""What objects of a cluster are called. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Name:
    """What an object calls another one."""

    group: str
    """API group; empty for the core one."""
    kind: str
    name: str
    namespace: str | None = None
    """None for an object without a namespace."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}{f' in {self.namespace}' if self.namespace else ''}"


@dataclass(frozen=True)
class Key:
    """One entry of a Secret or a ConfigMap."""

    of: Name
    key: str

    def __str__(self) -> str:
        return f"key {self.key} of {self.of}"


def name_of(each: Object) -> Name:
    metadata = each["metadata"]
    return Name(group_of(each["apiVersion"]), each["kind"], metadata["name"], metadata.get("namespace"))


def group_of(api_version: str) -> str:
    """API group of a version; empty for the core one."""
    return api_version.rpartition("/")[0]


def keys_of(each: Object) -> set[Key]:
    """The entries of a Secret or a ConfigMap; of others none."""
    if each["kind"] not in ("Secret", "ConfigMap"):
        return set()
    return {Key(name_of(each), key) for field in ("data", "binaryData", "stringData") for key in each.get(field) or ()}
