"""What Google's provider does with a change of each input, as `gcp_inputs.json` has it.

The file is generated from the provider's schema by `tools.replacement_table`. Nothing in it was seen on a live project.
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
    """Facts of one input. A block's facts hold for the block as such; what is in it has its own."""

    forces: bool = False
    """A change needs a new resource; of a block, that it comes or goes."""
    condition: str = ""
    """When a change forces although `forces` is False: `shrinks`, `turned-off`, `item-removed`, `autopilot`."""
    required: bool = False
    """Set wherever the block around it is."""
    kept: bool = False
    """Taken out of the program, it stays as it is in the cloud: the provider sees no difference."""
    fixed: bool = False
    """The provider has no call that changes it: `pulumi up` succeeds, nothing happens, each preview shows it again."""
    kind: str = ""
    """`block`, `blocks` (a list or set of them), `list`, `set` (order counts nothing), `map`; else a plain value."""
    unordered: bool = False
    """Of `blocks`: their order counts nothing."""
    alike: str = ""
    """Values that the provider takes as equal: `names` (a path and its last part), `paths` (self links of one resource,
    each with or without the server) or `nocase`."""
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
    """Facts of one type. Input paths are the SDK's, elements of a list of blocks as `rules[].action`."""

    inputs: Mapping[str, Input]
    name: str = ""
    """The input that Pulumi would name by itself. Set by the program, a replacement deletes the old one first."""
    delete_first: bool = False
    """A replacement deletes first, whatever the name."""
    labels: str = ""
    """The input to which the provider adds its own default labels."""

    def required_in(self, block: str) -> dict[str, Input]:
        """The inputs of a block (`rules` or `nodeConfig`) that must be set, by their last step."""
        inside = f"{block}[]." if self.inputs[block].kind == "blocks" else f"{block}."
        steps = {path.removeprefix(inside): of for path, of in self.inputs.items() if path.startswith(inside)}
        return {step: of for step, of in steps.items() if "." not in step and of.required}

    def find(self, path: str) -> Input | None:
        """The facts of a path, a map's or list's for what is in it; None for one that the table does not have."""
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
    """The pulumi_gcp that the table was made for."""
    return _file()["sdk"]


@cache
def _file() -> Mapping[str, Any]:
    return json.loads(TABLE.read_text(encoding="utf-8"))
