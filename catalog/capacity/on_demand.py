"""On-demand nodes, at the list price, if the zone has capacity."""

from typing import Literal

from catalog.capacity.mode import CapacityMode, CapacitySettings, CompactPlacement
from catalog.purchases import NodePurchase


class OnDemandSettings(CapacitySettings):
    mode: Literal["onDemand"]
    """How GPU nodes are bought."""
    compact_placement: CompactPlacement = True
    """Whether nodes need compact placement."""


class OnDemand(CapacityMode[OnDemandSettings]):
    name = "onDemand"
    settings = OnDemandSettings
    below_on_demand = True

    def node_pool(self, given: OnDemandSettings, *, nodes: int, max_nodes: int) -> NodePurchase:
        return self.bought(min_nodes=nodes, max_nodes=max_nodes, compact=given.compact_placement)
