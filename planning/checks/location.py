"""Checks that region and zone exist, and that the GPU machine is listed and priced there."""

from collections.abc import Iterator

from catalog import locations
from planning.resolve import ResolvedStack
from reading.errors import Error, join


def errors(stack: ResolvedStack) -> Iterator[Error]:
    place = stack.settings.location
    for key, message in locations.errors(place.region, place.zone, allow_unlisted=place.allow_unlisted):
        yield Error(join("location", key), message)


def warnings(stack: ResolvedStack) -> Iterator[str]:
    region, zone = stack.settings.location.region, stack.settings.location.zone
    for machine in {pool.machine.name: pool.machine for pool in stack.own_gpu_pools}.values():
        if not machine.listed_in(region, zone):
            there = machine.listed_near(region)
            yield f"location.zone: {machine.name} was not listed in {zone} when last looked up, but in {there}"
        elif machine.zones and zone not in machine.zones:
            checked = "the preflight checks" if stack.settings.preflight else "the preflight is off and does not check"
            unsure = "but in which of its zones is not known"
            yield f"location.zone: {region} lists {machine.name}, {unsure}; {checked} {zone}"
        priced = {price.region for price in machine.prices.values()}
        if priced and region not in priced:
            yield f"cost: prices are those of {', '.join(sorted(priced))}; {region} may differ"
