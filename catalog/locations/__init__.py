"""The regions and zones that Google Cloud is known to have, as data in locations/."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from reading import entries
from reading.errors import closest
from reading.frozen import Frozen


class Locations(Frozen):
    name: str
    date: str
    """When the list was made."""
    kind: str
    """Of the source."""
    zones: dict[str, tuple[str, ...]]
    """Region → letters of its zones."""

    def zones_of(self, region: str) -> tuple[str, ...]:
        return tuple(f"{region}-{letter}" for letter in self.zones.get(region, ()))


@cache
def known() -> Locations:
    return entries.entry(Locations, Path(__file__).parent, "google-cloud")


def region_of(zone: str) -> str:
    return zone.rpartition("-")[0]


def errors(region: str, zone: str, *, allow_unlisted: bool) -> Iterator[tuple[str, str]]:
    """What is wrong with a region and a zone in it: `region` or `zone`, and a sentence that says what to set."""
    listed = known()
    there = listed.zones_of(region)
    if not there and not allow_unlisted:
        yield "region", f"{region} is not among Google Cloud's regions{_meant(region, zone)}{unlisted()}"
    elif region_of(zone) != region:
        zones = f"its zones are {', '.join(there)}" if there else f"its zones begin with {region}-"
        moved = region_of(zone)
        move = f"; or set location.region to {moved}" if zone in listed.zones_of(moved) or allow_unlisted else ""
        yield "zone", f"zone {zone} is not in region {region}; {zones}{move}"
    elif zone not in there and not allow_unlisted:
        yield (
            "zone",
            f"{zone} is not among the zones of {region}; use {', '.join(there[:-1])} or {there[-1]}{unlisted()}",
        )


def unlisted() -> str:
    """How a place that is newer than the list can be had."""
    return f". The list is of {known().date}; location.allowUnlisted: true accepts a place that is not in it"


# As other clouds and people abbreviate them; by spelling alone eu-west1 is nearest to us-west1, an ocean away.
_CONTINENTS = {"eu-": "europe-", "ap-": "asia-", "as-": "asia-", "na-": "northamerica-", "sa-": "southamerica-"}


def _meant(region: str, zone: str) -> str:
    """A region and a zone that are there together: the zone's own region, else the region most like the given one."""
    listed = known()
    if zone in listed.zones_of(region_of(zone)):
        return f" (did you mean {region_of(zone)}, where zone {zone} is?)"
    whole = region
    for short, name in _CONTINENTS.items():
        if region.startswith(short):
            whole = region.replace(short, name, 1)
    if not (like := closest(whole, tuple(listed.zones))):
        return ""
    same = f"{like}-{zone.rpartition('-')[2]}"
    there = listed.zones_of(like)
    return f" (did you mean {{region: {like}, zone: {same if same in there else there[0]}}}?)"
