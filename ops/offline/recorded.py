"""What a run of the program registered, as plain data. Pure."""

from dataclasses import dataclass
from typing import Any

UNKNOWN = "[unknown]"
SECRET = "[secret]"


class ProgramFailed(Exception):
    """The program raised; the message is what a person needs of it."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registration as plain data, secrets replaced by `[secret]`, what only the cloud knows by `[unknown]`."""

    urn: str
    type: str
    name: str
    parent: str | None
    provider: str | None
    """URN of the explicit provider; None for one that Pulumi would make by default."""
    inputs: dict[str, Any]
    depends_on: tuple[str, ...]
    options: dict[str, Any]
    secret_paths: tuple[str, ...]

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


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What a run of the program registered, sorted by URN, and its stack outputs."""

    resources: tuple[Resource, ...]
    outputs: dict[str, Any]

    def by_urn(self) -> dict[str, Resource]:
        return {resource.urn: resource for resource in self.resources}
