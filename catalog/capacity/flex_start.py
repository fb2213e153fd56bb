"""Flex-start nodes: requested by pending pods, created when there is capacity, reclaimed after a fixed time."""

from collections.abc import Iterator
from typing import Literal

from catalog.capacity.mode import CapacityMode, CapacitySettings, CompactPlacement
from catalog.gke_versions import Floor, GkeVersion
from catalog.purchases import NodePurchase

# Max run time that flex-start offers.
MAX_RUN_DAYS = 7


class FlexStartSettings(CapacitySettings):
    mode: Literal["flexStart"]
    """How GPU nodes are bought."""
    # Google's modules omit compact placement for flex-start.
    compact_placement: CompactPlacement = False
    """Whether nodes need compact placement."""


class FlexStart(CapacityMode[FlexStartSettings]):
    """Flex-start. Pools are created empty. GKE does not repair or upgrade nodes, but replaces them as they expire."""

    name = "flexStart"
    settings = FlexStartSettings
    below_on_demand = True
    flex_start = True
    auto_repair = False
    rolling_upgrades = False
    adjective = "flex-start"
    min_gke = Floor(GkeVersion(1, 32, 2, 1652000), "flex-start")

    def node_pool(self, given: FlexStartSettings, *, nodes: int, max_nodes: int) -> NodePurchase:
        return self.bought(
            min_nodes=0,
            max_nodes=max_nodes,
            compact=given.compact_placement,
            max_run_seconds=MAX_RUN_DAYS * 24 * 3600,
        )

    def warnings(self, given: FlexStartSettings) -> Iterator[tuple[str, str]]:
        yield "", f"Google Cloud reclaims flexStart nodes after {MAX_RUN_DAYS} days at most"
        if given.compact_placement:
            yield (
                "compactPlacement",
                "true, so all flexStart nodes must be close together, which may take longer; unverified that GKE "
                "accepts this combination",
            )
