"""Machines of which only the regions are known, not the zones."""

from typing import Any

import pytest

from catalog import locations
from catalog.machines import gpu_machine, gpu_machines
from tests.stacks import errors, planned

REGIONS_ONLY = [machine.name for machine in gpu_machines() if set(machine.zones) & set(locations.known().zones)]


def stack(machine: str, region: str, zone: str) -> dict[str, Any]:
    nodes = {"machine": machine, "mode": "spot", "compactPlacement": False, "maxNodes": 2}
    chat = {"model": "qwen3-0.6b", "layout": "aggregated"}
    return {"location": {"region": region, "zone": zone}, "capacity": nodes, "models.chat": chat, "network": {}}


def test_the_series_g4_is_one_of_them() -> None:
    assert {name for name in REGIONS_ONLY if name.startswith("g4-")} == set(REGIONS_ONLY) != set()


@pytest.mark.parametrize(("preflight", "checked"), [(True, "the preflight checks"), (False, "the preflight is off")])
@pytest.mark.parametrize("name", REGIONS_ONLY)
def test_a_zone_of_a_listed_region_is_accepted_with_a_warning(name: str, preflight: bool, checked: str) -> None:
    warnings = planned(stack(name, "us-central1", "us-central1-a") | {"preflight": preflight}).warnings
    (said,) = (warning for warning in warnings if warning.startswith("location.zone"))
    assert f"us-central1 lists {name}, but in which of its zones is not known" in said
    assert checked in said


def test_a_zone_that_lists_the_machine_is_not_warned_of() -> None:
    zone = gpu_machine("g2-standard-8").zones[0]
    warnings = planned(stack("g2-standard-8", locations.region_of(zone), zone)).warnings
    assert not any(warning.startswith("location.zone") for warning in warnings)


@pytest.mark.parametrize("name", REGIONS_ONLY)
def test_another_region_is_refused_with_a_zone_to_try(name: str) -> None:
    (refused,) = errors(stack(name, "us-west2", "us-west2-a"))
    assert "but in zones of us-central1" in refused.message
    assert "try us-central1-a: in which zones of us-central1 the machine is, is not known" in refused.message
