"""The resources that a run of the program registered, as plain data. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNKNOWN = "[unknown]"
SECRET = "[secret]"


class ProgramFailed(Exception):
    """The program raised an error; the message is for the user."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registration as plain data, with `[secret]` for secrets, `[unknown]` for values that the cloud computes."""

    urn: str
    type: str
    name: str
    parent: str | None
    provider: str | None
    """URN of the explicit provider; None for Pulumi's default provider."""
    inputs: dict[str, Any]
    depends_on: tuple[str, ...]
    options: dict[str, Any]
    secret_paths: tuple[str, ...]

    @property
    def is_component(self) -> bool:
        """Whether it only groups resources, and nothing is created for it in the cloud."""
        return self.type.startswith("dynamo-gke:")

    def to_wire(self) -> dict[str, Any]:
        return {
            "urn": self.urn,
            "type": self.type,
            "name": self.name,
            "parent": self.parent,
            "provider": self.provider,
            "inputs": self.inputs,
            "dependsOn": list(self.depends_on),
            "options": self.options,
            "secretPaths": list(self.secret_paths),
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Resource":
        return cls(
            urn=wire["urn"],
            type=wire["type"],
            name=wire["name"],
            parent=wire["parent"],
            provider=wire["provider"],
            inputs=wire["inputs"],
            depends_on=tuple(wire["dependsOn"]),
            options=wire["options"],
            secret_paths=tuple(wire["secretPaths"]),
        )


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The resources that a run of the program registered, sorted by URN, and its stack outputs."""

    resources: tuple[Resource, ...]
    outputs: dict[str, Any]

    @property
    def created(self) -> list[Resource]:
        """The resources without the components that group them."""
        return [resource for resource in self.resources if not resource.is_component]

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Recording":
        """Reads the output of `preview --json`."""
        return cls(resources=tuple(map(Resource.from_wire, wire["resources"])), outputs=wire["outputs"])

    def by_urn(self) -> dict[str, Resource]:
        return {resource.urn: resource for resource in self.resources}
