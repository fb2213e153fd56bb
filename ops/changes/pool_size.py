"""How many nodes a pool has by its inputs, and how many an update releases. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.changes.values import at


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """A number of nodes, as bounds."""

    minimum: int
    maximum: int

    def __add__(self, other: "Nodes") -> "Nodes":
        return Nodes(minimum=self.minimum + other.minimum, maximum=self.maximum + other.maximum)


def size(pool: Mapping[str, Any], planned: int) -> Nodes:
    """The nodes of a pool: the fixed count of its inputs, the autoscaler's bounds, or `planned` if neither is set."""
    zones = max(1, len(_zones(pool)))
    if scaled(pool):
        minimum = _count(pool, "autoscaling.totalMinNodeCount", _count(pool, "autoscaling.minNodeCount", 0) * zones)
        maximum = _count(
            pool, "autoscaling.totalMaxNodeCount", _count(pool, "autoscaling.maxNodeCount", planned) * zones
        )
        return Nodes(minimum=min(minimum, maximum), maximum=maximum)
    count = _count(pool, "nodeCount", -1)
    count = planned if count < 0 else count * zones
    return Nodes(minimum=count, maximum=count)


def released(before: Mapping[str, Any], after: Mapping[str, Any], planned: tuple[int, int], moves: bool) -> Nodes:
    """The nodes that an update of a pool releases. `moves` is true if the pool leaves a zone.

    A fixed count takes effect at once. The autoscaler removes nodes above its maximum when they are idle (GKE's
    documentation of SetNodePoolAutoscaling); a lower minimum alone releases none.
    """
    old, new = size(before, planned[0]), size(after, planned[1])
    minimum = 0 if scaled(after) else max(0, old.minimum - new.maximum)
    resized = Nodes(minimum=minimum, maximum=max(0, old.maximum - new.maximum))
    if not moves:
        return resized
    was, becomes = _zones(before), _zones(after)
    if was and not was & becomes:
        return old
    if was and not scaled(before) and _count(before, "nodeCount", -1) == _count(after, "nodeCount", -1) >= 0:
        return resized  # the count is per zone, so exactly the nodes of the removed zones
    return Nodes(minimum=resized.minimum, maximum=old.maximum)


def scaled(pool: Mapping[str, Any]) -> bool:
    """Whether the pool is autoscaled."""
    return isinstance(at(pool, "autoscaling"), Mapping)


def _zones(pool: Mapping[str, Any]) -> set[str]:
    zones = at(pool, "nodeLocations")
    return set(map(str, zones)) if isinstance(zones, list) else set()


def _count(pool: Mapping[str, Any], path: str, otherwise: int) -> int:
    """A count of the inputs, or `otherwise` if not set or unknown."""
    value = at(pool, path)
    return int(value) if isinstance(value, int | float) else otherwise
