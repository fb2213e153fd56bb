"""A region or zone that Google Cloud does not have is refused with one that it has."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import locations
from catalog.machines import gpu_machine, gpu_machine_names
from tests.stacks import errors, planned


def place_errors(region: str, zone: str) -> dict[str, str]:
    return dict(locations.errors(region, zone, allow_unlisted=False))


def test_every_zone_of_the_list_is_one() -> None:
    known = locations.known()
    assert re.fullmatch(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", known.date)
    zones = [zone for region in known.zones for zone in known.zones_of(region)]
    assert len(zones) == len(set(zones)) >= 3 * len(known.zones)
    assert [zone for zone in zones if place_errors(locations.region_of(zone), zone)] == []


@pytest.mark.parametrize("name", gpu_machine_names())
def test_a_gpu_machine_was_seen_in_zones_that_there_are(name: str) -> None:
    known, zones = locations.known(), gpu_machine(name).zones
    assert zones
    zones = [zone for zone in zones if zone not in known.zones]  # some are whole regions
    assert [zone for zone in zones if zone not in known.zones_of(locations.region_of(zone))] == []


@pytest.mark.parametrize("zone", ["us-central1-z", "us-west9-a", "us-central1-ai1a"])
def test_a_place_that_is_not_listed_can_be_had_on_purpose(zone: str) -> None:
    place = {"region": locations.region_of(zone), "zone": zone}
    (refused,) = errors({"location": place})
    assert refused.path.startswith("location.")
    assert locations.known().date in refused.message
    assert "location.allowUnlisted: true" in refused.message
    assert planned({"location": place | {"allowUnlisted": True}}).zone == zone


regions = st.sampled_from([*locations.known().zones, "us-centrall1", "europe-wets1", "us-west9", "mars-north1"])
letters = st.sampled_from("abcdefz")


@given(regions, regions, letters)
def test_what_is_proposed_is_a_place(region: str, other: str, letter: str) -> None:
    zone = f"{other}-{letter}"
    for key, message in place_errors(region, zone).items():
        if pair := re.search(r"did you mean \{region: (\S+), zone: (\S+)\}", message):
            proposed = [(pair[1], pair[2])]
        elif moved := re.search(r"(?:did you mean|set location.region to) ([a-z0-9-]+)", message):
            proposed = [(moved[1], zone)]
        else:
            proposed = []
        if key == "zone":
            listed = re.search(r"(?:use|its zones are) ([a-z0-9, -]+?(?: or [a-z0-9-]+)?)(?:[;.]|$)", message)
            assert listed, message
            proposed += [(region, each) for each in re.split(r", | or ", listed[1])]
        for place in proposed:
            assert place_errors(*place) == {}, message


@pytest.mark.parametrize(
    ("region", "meant"), [("eu-west1", "europe-west1"), ("eu-north1", "europe-north1"), ("ap-south1", "asia-south1")]
)
def test_an_abbreviated_continent_is_proposed_in_full(region: str, meant: str) -> None:
    ((_, message),) = locations.errors(region, f"{region}-b", allow_unlisted=False)
    assert f"{{region: {meant}, zone: {meant}-" in message
    assert "?." not in message
