"""The two previews of a comparison, with their resources paired. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ops.changes import pulumi_engine as engine
from ops.changes import unknowns
from ops.changes.previewed import Registered, Snapshot


class Sides:
    """Before and after, their resources paired as Pulumi's engine pairs them.

    A value that one side does not know, and that comes from other resources in both, is unknown in both.
    """

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        previewed = engine.pairs(before.resources, after.resources)
        self.pairs = tuple(unknowns.equally_unknown(old, new) for old, new in previewed)
        self.not_compared = tuple(
            f"{path} of {compared[1].name}"
            for pair, compared in zip(previewed, self.pairs, strict=True)
            for path in unknowns.hidden(pair, compared)
        )
        self.old = before.by_urn() | {old.urn: old for old, _ in self.pairs}
        self.new = after.by_urn() | {new.urn: new for _, new in self.pairs}
        self.before = replace(before, resources=tuple(self.old.values()))
        self.after = replace(after, resources=tuple(self.new.values()))
        self._former = {new.urn: old.urn for old, new in self.pairs}

    def former(self, urns: Iterable[str]) -> set[str]:
        """The URNs that these resources had before; a new resource keeps its own."""
        return {self._former.get(urn, urn) for urn in urns}

    def provider_settings(self, new: Registered) -> Mapping[str, Any]:
        """The inputs of a resource's provider."""
        provider = self.new.get(new.provider or "")
        return provider.inputs if provider else {}

    def planned_nodes(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[int, int]:
        """The planned nodes of a pool, before and after."""
        return planned_nodes(self.before, old), planned_nodes(self.after, new)


def planned_nodes(of: Snapshot, pool: Mapping[str, Any]) -> int:
    """The planned nodes of a pool."""
    return of.nodes.get(str(pool.get("name")), 0)
