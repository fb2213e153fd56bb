"""Reads `gcp_inputs.json`: the reaction of Google's provider to a change of each input.

`tools.replacement_table` generates the file from the provider's schema. Nothing in it was tested on a live project.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

TABLE = Path(__file__).parent / "gcp_inputs.json"


@dataclass(frozen=True, kw_only=True)
class Input:
    """Facts of one input. A block and each input inside it have facts of their own."""

    forces: bool = False
    """A change forces a replacement; for a block, adding or removing it."""
    condition: str = ""
    """Condition on which a change forces a replacement: `shrinks`, `turned-off`, `item-removed`, `autopilot`."""
    required: bool = False
    """Required within its block."""
    kept: bool = False
    """When the program removes the input, the cloud keeps the value and the provider sees no difference."""
    fixed: bool = False
    """The provider cannot change the input: `pulumi up` succeeds without effect, and each preview shows it again."""
    kind: str = ""
    """`block`, `blocks` (a list or set of them), `list`, `set` (order is ignored), `map`; else a plain value."""
    unordered: bool = False
    """The order of `blocks` is ignored."""
    alike: str = ""
    """Values that the provider treats as equal: `names` (a path and its last part), `paths` (self links of one
    resource, with or without the server) or `nocase`."""
    default: Any = None

    @classmethod
    def from_flags(cls, flags: str) -> "Input":
        words, _, default = flags.partition("=")
        found = words.split()
        return cls(
            forces="new" in found,
            condition=next((word[3:] for word in found if word.startswith("if:")), ""),
            required="required" in found,
            kept="kept" in found,
            fixed="fixed" in found,
            kind=next((word for word in found if word in ("block", "blocks", "list", "set", "map")), ""),
            unordered="unordered" in found,
            alike=next((word for word in found if word in ("names", "paths", "nocase")), ""),
            default=json.loads(default) if default else None,
        )

    @property
    def is_block(self) -> bool:
        return self.kind in ("block", "blocks")


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """Facts of one type. Paths use the SDK's names; `rules[].action` is an input of a list of blocks."""

    inputs: Mapping[str, Input]
    name: str = ""
    """The input that Pulumi names automatically. If the program sets it, replacements delete the old resource first."""
    delete_first: bool = False
    """A replacement always deletes the old resource first."""
    labels: str = ""
    """The input to which the provider adds its default labels."""

    def find(self, path: str) -> Input | None:
        """Facts of a path; an entry of a map or list has those of the map or list. None if the table has none."""
        while path:
            if found := self.inputs.get(path):
                return found
            path, _, _ = path.rpartition(".")
            if path and (parent := self.inputs.get(path.removesuffix("[]"))) and parent.is_block:
                return None
        return None


@cache
def table() -> Mapping[str, ResourceType]:
    """Type → facts."""
    return MappingProxyType(
        {
            type_: ResourceType(
                inputs={path: Input.from_flags(flags) for path, flags in entry["inputs"].items()},
                name=entry.get("name", ""),
                delete_first=entry.get("deleteFirst", False),
                labels=entry.get("labels", ""),
            )
            for type_, entry in _file()["types"].items()
        }
    )


def sdk_version() -> str:
    """The pulumi_gcp version that the table describes."""
    return _file()["sdk"]


@cache
def _file() -> Mapping[str, Any]:
    return json.loads(TABLE.read_text(encoding="utf-8"))
