"""`cluster.maintenance`: when GKE may work on the cluster."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from reading.frozen import Frozen


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Maintenance(Frozen):
    """When GKE may work on the cluster, in UTC."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1, examples=[["sat", "sun"]])] = (Weekday.SAT, Weekday.SUN)
    """Days on which a window begins."""
    start: Annotated[
        str,
        Field(
            pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="a time of day in UTC as HH:MM", examples=["02:00"]
        ),
    ] = "02:00"
    """When a window begins."""
    hours: Annotated[int, Field(ge=4, le=24, validate_default=True)] = 6
    """Length of a window. GKE ignores windows of less than four hours."""
    hold_node_upgrades: bool = True
    """Whether GKE leaves minor versions and nodes to you until their end of support. Control-plane patches continue.
    An upgrade of a GPU pool recreates its nodes one by one, without a surge node."""

    @field_validator("hours")
    @classmethod
    def _meets_the_monthly_minimum(cls, hours: int, info: ValidationInfo) -> int:
        days: tuple[Weekday, ...] | None = info.data.get("days")  # absent if invalid itself
        if days and hours * len(set(days)) * 32 < 48 * 7:
            min_hours = -(-48 * 7 // (32 * len(set(days))))
            raise ValueError(
                f"{hours} on {', '.join(days)} is less than the 48 hours in 32 days that GKE requires; "
                f"use at least {min_hours}, or more days"
            )
        return hours

    @property
    def recurrence(self) -> str:
        """The days as an RRULE, RFC 5545."""
        return "FREQ=WEEKLY;BYDAY=" + ",".join(day[:2].upper() for day in Weekday if day in self.days)

    @property
    def first_window(self) -> tuple[str, str]:
        """Start and end of the first window, RFC 3339, in a fixed week, so that previews do not differ by date."""
        hour, minute = map(int, self.start.split(":"))
        monday = datetime(2026, 1, 5, hour, minute)
        begin = monday + timedelta(days=min(list(Weekday).index(day) for day in self.days))
        return (f"{begin.isoformat()}Z", f"{(begin + timedelta(hours=self.hours)).isoformat()}Z")
