"""One value that an environment may configure: its schema for the CLI and its default have their one home here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pulumi_policy import PolicyConfigSchema


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A property of a rule's configuration, in JSON Schema's terms. Numbers arrive as floats."""

    name: str
    type: Literal["boolean", "number", "array"]
    """An array is one of strings."""
    default: Any
    description: str

    def read(self, config: Mapping[str, Any]) -> Any:
        return config.get(self.name, self.default)


def schema(*settings: Setting) -> PolicyConfigSchema:
    """What the CLI checks a configuration file by, and takes defaults from."""
    properties: dict[str, dict[str, Any]] = {}
    for setting in settings:
        items = {"items": {"type": "string"}} if setting.type == "array" else {}
        properties[setting.name] = {
            "type": setting.type,
            "default": setting.default,
            "description": setting.description,
            **items,
        }
    return PolicyConfigSchema(properties)
