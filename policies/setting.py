"""One configurable value of a rule: its schema for the CLI, its default, and which values are stricter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pulumi_policy import PolicyConfigSchema


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A property of a rule's configuration, described in JSON Schema. Numbers arrive as floats."""

    name: str
    type: Literal["boolean", "integer", "number", "array"]
    """An array holds strings."""
    default: Any
    description: str
    stricter: Literal["more", "less"]
    """Whether a larger value (true, a larger number, more strings) makes the rule forbid more or less."""
    min: float | None = None
    """The smallest number."""
    choices: tuple[str, ...] = ()
    """The strings that an array may hold; any without."""

    def read(self, config: Mapping[str, Any]) -> Any:
        return config.get(self.name, self.default)

    def weaker(self, given: Any, than: Any) -> bool:
        """Whether the rule allows something with the value `given` that it forbids with the value `than`."""
        if self.type == "array":
            given, than = frozenset(given), frozenset(than)
        return not (given >= than if self.stricter == "more" else given <= than)


def exceptions(description: str, name: str = "allowed") -> Setting:
    """A list of what a rule allows besides its own; empty by default."""
    return Setting(name=name, type="array", default=[], description=description, stricter="less")


class Schema(PolicyConfigSchema):
    """The schema by which the CLI checks a configuration file and fills in defaults."""

    def __init__(self, *settings: Setting) -> None:
        self.settings = settings
        properties: dict[str, dict[str, Any]] = {}
        for setting in settings:
            schema: dict[str, Any] = {"type": setting.type, "default": setting.default}
            schema["description"] = setting.description
            if setting.min is not None:
                schema["minimum"] = setting.min
            if setting.type == "array":
                choices = {"enum": list(setting.choices)} if setting.choices else {}
                schema["items"] = {"type": "string", **choices}
            properties[setting.name] = schema
        super().__init__(properties)
