"""The flags of one of Dynamo's modules, read from a file generated from the module's own parsers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Flag:
    """One flag of a module, as the module's own parser defines it."""

    name: str
    type: Literal["switch", "text", "word", "integer", "number", "size", "sizeOrAuto", "object"]
    """`size`: a whole number that may end in k, m, g, t (powers of 1000) or K, M, G, T (powers of 1024). `word`: text
    that does not read as a number, true, false or none, for flags whose value gets its type only in the engine."""
    default: Any = None
    aliases: Sequence[str] = ()
    negative: Sequence[str] = ()
    """Spellings that switch the flag off."""
    obsolete: Sequence[str] = ()
    """Old spellings that still work."""
    deprecated: str | None = None
    """The runtime's advice what to use instead; empty if it has none, None if the flag is not deprecated."""
    values: Literal["one", "optional", "many"] = "one"
    """Number of values; a switch has none."""
    choices: Sequence[str] = ()
    registered: Sequence[str] = ()
    """Names that the engine looks up at start, although its parser accepts any text."""
    min: float | None = None
    above: float | None = None
    max: float | None = None
    below: float | None = None
    """Bounds that the engine checks at start."""
    nullable: bool = False
    """Whether the flag accepts a word for "no value"."""
    nulls: Sequence[str] = ("", "None")
    """Words for "no value"."""
    keys: str | None = None
    """The class that defines the JSON object's keys; None where any key is allowed."""
    repeats: bool = False
    """Whether repeating the flag adds a value instead of replacing it."""


@dataclass(frozen=True, eq=False)
class Table:
    """The flags of one module. `NAME.yaml` next to the file says what a stack may do with each."""

    path: Path
    module: str
    runtime: Mapping[str, str]
    """Product → version whose parser generated the table."""
    flags: Mapping[str, Flag]
    """Name → flag, without aliases and negative forms."""
    objects: Mapping[str, Mapping[str, Any]]
    """Class name → the keys of its JSON object. `needs` names another key that a key requires; if the key of
    `openWith` is present, any other key is allowed."""
    removed: Mapping[str, str]
    """Removed flag that published samples still show → what replaced it."""
    removed_in: Mapping[str, str] = field(default_factory=dict[str, str])
    """Spelling of a removed flag → the minor version of Dynamo that removed it, in the table of a later release."""
    removed_keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """Class name → removed key of its JSON object → the minor version that removed it."""

    @cached_property
    def spellings(self) -> Mapping[str, Flag]:
        """Spelling → flag, for every spelling."""
        return {
            word: flag
            for flag in self.flags.values()
            for word in (flag.name, *flag.aliases, *flag.negative, *flag.obsolete)
        }

    @property
    def versions(self) -> str:
        return ", ".join(f"{product} {version}" for product, version in self.runtime.items())


def read(path: Path, removed: Mapping[str, str]) -> Table:
    """The table read from a file."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Table(
        path=path,
        module=content["module"],
        runtime=content["runtime"],
        flags={name: Flag(name=name, **known) for name, known in content["flags"].items()},
        objects=content["objects"],
        removed=removed,
    )
