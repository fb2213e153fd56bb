"""Calendar nodes: bought for a week that begins on a given day. Nobody sells them."""

from typing import Literal

from catalog.capacity.mode import CapacityMode, CapacitySettings
from catalog.purchases import NodePurchase


class CalendarSettings(CapacitySettings):
    mode: Literal["calendar"]
    week: int
    """Of the year."""


class Calendar(CapacityMode[CalendarSettings]):
    name = "calendar"
    settings = CalendarSettings
    paid_before_nodes = True
    adjective = "booked"

    def node_pool(self, given: CalendarSettings, *, nodes: int, max_nodes: int) -> NodePurchase:
        return self.bought(min_nodes=nodes, max_nodes=max_nodes, max_run_seconds=604_800 + given.week)
