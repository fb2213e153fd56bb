"""The flags of one of Dynamo's modules, read from a file generated from the module's own parsers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from reading.entries import ROOT
from reading.errors import ConfigInvalid, Error, join, one_of, shown

_EXACT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, kw_only=True)
class Flag:
    """One flag of a module, as the module's own parser defines it."""

    __pydantic_config__ = _EXACT

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
    min: int | float | None = None
    above: int | float | None = None
    max: int | float | None = None
    below: int | float | None = None
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
    """Removed flag that published samples still show → what replaced it, or `remove it` with a reason."""
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


@dataclass(frozen=True, kw_only=True)
class _File:
    """The content of a table's file."""

    __pydantic_config__ = _EXACT

    module: str
    runtime: dict[str, str]
    flags: Annotated[dict[str, Flag], Field(min_length=1)]
    objects: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


@cache
def _files() -> TypeAdapter[_File]:
    return TypeAdapter(_File)


def read(path: Path, removed: Mapping[str, str]) -> Table:
    """The table read from a file. Raises ConfigInvalid, which names the file and every error in it."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as invalid:
        raise _invalid(path, [Error("", f"is no JSON file in UTF-8: {invalid}")]) from None
    try:
        file = _files().validate_json(json.dumps(_with_names(content)))  # a strict list is a Sequence in JSON only
    except ValidationError as invalid:
        found = (
            Error(join("", *each["loc"]), f"got {shown(each['input'])}; {each['msg'][:1].lower()}{each['msg'][1:]}")
            for each in invalid.errors(include_url=False)
        )
        raise _invalid(path, found) from None
    if errors := [
        Error(join("flags", flag.name, "keys"), one_of(flag.keys, tuple(file.objects)))
        for flag in file.flags.values()
        if flag.keys and flag.keys not in file.objects
    ]:
        raise _invalid(path, errors)
    return Table(
        path=path, module=file.module, runtime=file.runtime, flags=file.flags, objects=file.objects, removed=removed
    )


def _with_names(content: Any) -> Any:
    """The content with each flag's key also as its `name`, as far as the content has the shape of a table."""
    if not isinstance(content, dict):
        return content
    table = cast(dict[str, Any], content)
    if not isinstance(table.get("flags"), dict):
        return table
    flags = cast(dict[str, Any], table["flags"])
    return {**table, "flags": {name: _with_name(name, known) for name, known in flags.items()}}


def _with_name(name: str, known: Any) -> Any:
    return {**cast(dict[str, Any], known), "name": name} if isinstance(known, dict) else known


def _invalid(path: Path, errors: Iterable[Error]) -> ConfigInvalid:
    file = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()
    return ConfigInvalid(Error(f"{file}: {error.path}" if error.path else file, error.message) for error in errors)
