"""One value that an environment may configure: its schema for the CLI, its default and what is stricter live here."""

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
    stricter: Literal["more", "less"]
    """Whether the rule forbids more when the value holds more: true, a larger number, further strings."""

    def read(self, config: Mapping[str, Any]) -> Any:
        return config.get(self.name, self.default)

    def weaker(self, given: Any, than: Any) -> bool:
        """Whether the rule lets something pass with the one value that it stops with the other."""
        if self.type == "array":
            given, than = frozenset(given), frozenset(than)
        return not (given >= than if self.stricter == "more" else given <= than)


class Schema(PolicyConfigSchema):
    """What the CLI checks a configuration file by, and takes defaults from."""

    def __init__(self, *settings: Setting) -> None:
        self.settings = settings
        properties: dict[str, dict[str, Any]] = {}
        for setting in settings:
            items = {"items": {"type": "string"}} if setting.type == "array" else {}
            properties[setting.name] = {
                "type": setting.type,
                "default": setting.default,
                "description": setting.description,
                **items,
            }
        super().__init__(properties)
