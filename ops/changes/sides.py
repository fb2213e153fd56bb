"""The two previews of a comparison, with their resources paired. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from ops.changes import pulumi_engine as engine
from ops.changes.previewed import Registered, Snapshot


class Sides:
    """Before and after, their resources paired as Pulumi's engine pairs them."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self.before, self.after = before, after
        self.old, self.new = before.by_urn(), after.by_urn()
        self.pairs = tuple(engine.pairs(before.resources, after.resources))
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
