"""Checks that region and zone exist, and that the GPU machine is listed and priced there."""

from collections.abc import Iterator, Sequence

from catalog import locations
from catalog.machines import GpuMachine, first_of
from planning.resolve import ResolvedStack, machines_of
from reading.errors import Error, Fix, join


def errors(stack: ResolvedStack) -> Iterator[Error]:
    place = stack.settings.location
    for key, message in locations.errors(place.region, place.zone, allow_unlisted=place.allow_unlisted):
        yield Error(join("location", key), message)


def warnings(stack: ResolvedStack) -> Iterator[str]:
    region, zone = stack.settings.location.region, stack.settings.location.zone
    for machine in machines_of(stack.own_gpu_pools):
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


def machine_errors(stack: ResolvedStack) -> Iterator[Error]:
    """The error of an existing zone that does not list every machine of the stack."""
    place, machines = stack.settings.location, machines_of(stack.own_gpu_pools)
    absent = [machine.name for machine in machines if not machine.listed_in(place.region, place.zone)]
    if not absent or place.allow_unlisted or place.zone not in locations.known().zones_of(place.region):
        return
    there = f"{' and '.join(absent)} was not listed in {place.zone} when last looked up"
    zones = locations.nearest(_common(machines), place.region)
    if not zones:
        where = "; ".join(f"{each.name} in {each.listed_near(place.region)}" for each in machines)
        yield Error(
            "location.zone",
            f"{there}, and no zone lists all machines of this stack: {where}. All GPU nodes of a stack are "
            "in one zone: use one machine for all roles; location.allowUnlisted: true accepts a newer zone",
            tuple(_one_machine(stack)),
        )
        return
    others = [machine.name for machine in machines if machine.name not in absent]
    together = f", together with {' and '.join(others)}," if others else ""
    yield Error(
        "location.zone",
        f"{there}, but{together} in {first_of(zones)}; location.allowUnlisted: true accepts a newer zone",
        tuple(map(_moved_to, zones)),
    )


def _moved_to(listed: str) -> Fix:
    """The fix that uses a zone, or the first zone of a region in which the machine's zones are not known."""
    zones = locations.known().zones_of(listed)
    zone = zones[0] if zones else listed
    words = f"try {zone}: in which zones of {listed} the machine is, is not known" if zones else f"use {zone}"
    return Fix(words, {"location.zone": zone, "location.region": locations.region_of(zone)})


def _common(machines: Sequence[GpuMachine]) -> tuple[str, ...]:
    """Zones that list every machine, or regions where the zones are unknown; not empty for one machine."""
    if len(machines) == 1:
        return machines[0].zones
    named = {zone for machine in machines for zone in machine.zones if zone not in locations.known().zones}
    zones = named or set(locations.known().all_zones)
    return tuple(zone for zone in zones if all(each.listed_in(locations.region_of(zone), zone) for each in machines))


def _one_machine(stack: ResolvedStack) -> Iterator[Fix]:
    own = [each.at(role, "machine") for each in stack.deployments for role in each.roles if each.sets_machine(role)]
    for machine in machines_of(stack.own_gpu_pools):
        yield Fix(f"use {machine.name} for all roles", {"capacity.machine": machine.name} | dict.fromkeys(own))
