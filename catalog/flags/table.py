"""The flags of one of Dynamo's modules, read from a file that the module's own parsers wrote."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Flag:
    """One flag of a module, as the module's own parser tells it."""

    name: str
    type: Literal["switch", "text", "word", "integer", "number", "size", "sizeOrAuto", "object"]
    """`size` is a whole number that may end in k, m, g, t (times 1000) or K, M, G, T (times 1024). `word` is text that
    is not read as a number, true, false or none: for flags whose values have a type only when the engine reads them."""
    default: Any = None
    aliases: Sequence[str] = ()
    negative: Sequence[str] = ()
    """The spellings that switch it off."""
    obsolete: Sequence[str] = ()
    """Spellings of an older version that still work."""
    deprecated: str | None = None
    """What the runtime says to use instead; empty if it names nothing, None if the flag is not deprecated."""
    values: Literal["one", "optional", "many"] = "one"
    """How many words follow; none if it is a switch."""
    choices: Sequence[str] = ()
    registered: Sequence[str] = ()
    """Names that the engine looks up when it starts; its parser takes any text."""
    min: float | None = None
    above: float | None = None
    max: float | None = None
    below: float | None = None
    """Bounds that the engine checks when it starts."""
    nullable: bool = False
    """Whether a word stands for no value."""
    nulls: Sequence[str] = ("", "None")
    """The words that do."""
    keys: str | None = None
    """The class whose keys the JSON object has; None where any key goes."""
    repeats: bool = False
    """Whether giving it again adds a value instead of replacing it."""


@dataclass(frozen=True, eq=False)
class Table:
    """The flags of one module. `NAME.yaml` beside the file says what a stack may do with each."""

    path: Path
    module: str
    runtime: Mapping[str, str]
    """The versions whose parsers were asked, by product."""
    flags: Mapping[str, Flag]
    """By their names, aliases and negative forms left out."""
    objects: Mapping[str, Mapping[str, Any]]
    """By the name of a class: the keys that it takes from a JSON object. `needs` names another key that must be given
    beside one; with the key of `openWith` any value goes."""
    removed: Mapping[str, str]
    """Flags of older versions that samples on the net still show, each with what takes its place."""

    @cached_property
    def spellings(self) -> Mapping[str, Flag]:
        """The flags by each of their spellings."""
        return {
            word: flag
            for flag in self.flags.values()
            for word in (flag.name, *flag.aliases, *flag.negative, *flag.obsolete)
        }

    @property
    def versions(self) -> str:
        return ", ".join(f"{product} {version}" for product, version in self.runtime.items())


def read(path: Path, removed: Mapping[str, str]) -> Table:
    """The table of a file."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Table(
        path=path,
        module=content["module"],
        runtime=content["runtime"],
        flags={name: Flag(name=name, **known) for name, known in content["flags"].items()},
        objects=content["objects"],
        removed=removed,
    )
