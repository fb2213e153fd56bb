"""Nodes of a reservation for fixed dates, which end with it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from catalog.capacity.mode import CapacityMode, CapacitySettings
from catalog.contracts import NodePurchase, ReservationRef
from catalog.gke_versions import Floor, GkeVersion


class CalendarSettings(CapacitySettings):
    mode: Literal["calendarDates"]
    booking: str
    days: Annotated[int, Field(ge=1, le=90)] = 5


class Calendar(CapacityMode[CalendarSettings]):
    name = "calendarDates"
    settings = CalendarSettings
    reserved = True
    rolling_upgrades = False
    adjective = "booked"
    min_gke = Floor(GkeVersion(1, 36, 0, 1), "calendar mode")

    def node_pool(self, given: CalendarSettings, *, nodes: int, max_nodes: int) -> NodePurchase:
        return self.bought(
            min_nodes=0,
            max_nodes=max_nodes,
            reservation=ReservationRef(name=given.booking),
            max_run_seconds=given.days * 86400,
        )

    def warnings(self, given: CalendarSettings) -> Iterator[tuple[str, str]]:
        yield "days", f"nodes go after {given.days} days"
