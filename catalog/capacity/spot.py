"""Spot nodes: spare capacity at a discount, reclaimed whenever Google Cloud needs it."""

from collections.abc import Iterator
from typing import Literal

from catalog.capacity.mode import CapacityMode, CapacitySettings, CompactPlacement
from catalog.purchases import NodePurchase


class SpotSettings(CapacitySettings):
    mode: Literal["spot"]
    """How GPU nodes are bought."""
    compact_placement: CompactPlacement = True
    """Whether nodes need compact placement."""


class Spot(CapacityMode[SpotSettings]):
    name = "spot"
    settings = SpotSettings
    below_on_demand = True
    spot = True
    adjective = "spot"

    def node_pool(self, given: SpotSettings, *, nodes: int, max_nodes: int) -> NodePurchase:
        return self.bought(min_nodes=nodes, max_nodes=max_nodes, compact=given.compact_placement)

    def warnings(self, given: SpotSettings) -> Iterator[tuple[str, str]]:
        yield (
            "",
            "spot nodes can be reclaimed at any time, and their price changes daily; costs use the on-demand price "
            "as an upper bound; pods get seconds to stop (15 by GKE's default), whatever drainSeconds says",
        )
