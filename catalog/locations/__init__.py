"""The known regions and zones of Google Cloud, read from a list in this folder."""

from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path

from reading import entries
from reading.errors import closest, shown
from reading.frozen import Frozen


class Locations(Frozen):
    name: str
    date: str
    """Date of the list."""
    kind: str
    """Kind of the source."""
    zones: dict[str, tuple[str, ...]]
    """Region → letters of its zones."""

    def zones_of(self, region: str) -> tuple[str, ...]:
        return tuple(f"{region}-{letter}" for letter in self.zones.get(region, ()))

    @cached_property
    def all_zones(self) -> tuple[str, ...]:
        return tuple(zone for region in self.zones for zone in self.zones_of(region))


ZONES_OF_A_CLUSTER = 3
"""Zones that GKE chooses for the nodes of a regional cluster that names none."""


@cache
def known() -> Locations:
    return entries.entry(Locations, Path(__file__).parent, "google-cloud")


def region_of(zone: str) -> str:
    return zone.rpartition("-")[0]


def nearest(places: Iterable[str], region: str) -> tuple[str, ...]:
    """Zones or regions, the nearest to a region first: in it, then on its continent."""
    continent = region.partition("-")[0]
    return tuple(
        sorted(
            places,
            key=lambda place: (not place.startswith(f"{region}-"), not place.startswith(f"{continent}-"), place),
        )
    )


def errors(region: str, zone: str, *, allow_unlisted: bool) -> Iterator[tuple[str, str]]:
    """Errors of a region and a zone: `region` or `zone`, and a sentence that says what to set."""
    listed = known()
    there = listed.zones_of(region)
    if not there and not allow_unlisted:
        yield "region", f"{region} is not among Google Cloud's regions{_proposal(region, zone)}{unlisted()}"
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


def no_zone(zone: str, example: str) -> str | None:
    """Why a text is no listed zone, with the nearest listed ones, else an example; None for a listed zone."""
    listed = known()
    if zone in listed.all_zones:
        return None
    if there := listed.zones_of(region_of(zone)):
        return f"{zone} is not among the zones of {region_of(zone)}; use {', '.join(there[:-1])} or {there[-1]}"
    like = closest(_in_full(zone), listed.all_zones)
    return f"{shown(zone)} is not a zone of Google Cloud; " + (
        f"did you mean {like}?" if like else f"choose one, such as {example}"
    )


def unlisted() -> str:
    """How to use a region or zone that is newer than the list."""
    return f". The list is of {known().date}; location.allowUnlisted: true accepts a place that is not in it"


# Prefixes that other clouds and people use. By spelling alone, eu-west1 is nearest to us-west1, on another continent.
_CONTINENTS = {"eu-": "europe-", "ap-": "asia-", "as-": "asia-", "na-": "northamerica-", "sa-": "southamerica-"}


def _proposal(region: str, zone: str) -> str:
    """An existing region and zone to propose: the zone's own region, else the region with the most similar name."""
    listed = known()
    if zone in listed.zones_of(region_of(zone)):
        return f" (did you mean {region_of(zone)}, where zone {zone} is?)"
    if not (like := closest(_in_full(region), tuple(listed.zones))):
        return ""
    same = f"{like}-{zone.rpartition('-')[2]}"
    there = listed.zones_of(like)
    return f" (did you mean {{region: {like}, zone: {same if same in there else there[0]}}}?)"


def _in_full(place: str) -> str:
    """A region or zone with Google Cloud's name of its continent."""
    for short, name in _CONTINENTS.items():
        if place.startswith(short):
            return place.replace(short, name, 1)
    return place
