"""What errors and warnings say of a stack whose roles run on two machines, or buy nodes in two ways."""

from typing import Any

import pytest

from catalog.machines import gpu_machine
from tests.stacks import errors, planned

H200, B200, GB200, METAL, L4 = (
    "a3-ultragpu-8g", "a4-highgpu-8g", "a4x-highgpu-4g", "a4x-maxgpu-4g-metal", "g2-standard-8",
)  # fmt: skip
TRY: dict[str, Any] = {
    "location": {"region": "us-central1", "zone": "us-central1-a"},
    "capacity": {"machine": L4, "mode": "spot", "compactPlacement": False},
    "models.chat": {"model": "qwen3-0.6b", "layout": "multi-node", "kvTransfer": "tcp"},
    "hfToken": None,
}


def on(machine: str) -> dict[str, Any]:
    return {"models.chat.decode": {"machine": machine, "capacity": {"mode": "reservation", "reservation": "other"}}}


def zone_error(changes: dict[str, Any]) -> str:
    (found,) = [error.message for error in errors(changes) if error.path == "location.zone"]
    return found


def test_a_zone_that_lacks_one_of_two_machines_is_replaced_by_one_that_lists_both() -> None:
    found = zone_error(on(B200))
    assert f"{B200} was not listed in europe-west1-b" in found
    assert f"but, together with {H200}, in europe-west4-" not in found  # A4 is in europe-west4-b, A3 Ultra in -a
    both = sorted(set(gpu_machine(H200).zones) & set(gpu_machine(B200).zones))
    assert both
    assert f"but, together with {H200}, in {', '.join(both)};" in found
    for zone in both:
        assert errors(on(B200) | {"location": {"region": zone.rpartition("-")[0], "zone": zone}}) == ()


@pytest.mark.parametrize(("zone", "fix"), [("europe-west1-b", H200), ("us-east1-d", GB200)])
def test_two_machines_without_a_common_zone_are_told_so(zone: str, fix: str) -> None:
    found = zone_error(on(GB200) | {"location": {"region": zone.rpartition("-")[0], "zone": zone}})
    assert f"no zone lists all machines of this stack: {GB200} in us-east1-d; {H200} in " in found
    assert found.endswith(f"; use {fix} for all roles")
    assert "use us-" not in found


def test_zones_of_machines_that_list_regions_only_are_those_of_the_other_machine() -> None:
    found = zone_error(on("g4-standard-48") | {"location": {"region": "europe-west3", "zone": "europe-west3-a"}})
    assert f"g4-standard-48 and {H200} was not listed" in found or f"{H200} and g4-standard-48 was not listed" in found
    assert "but in europe-west1-b, europe-west4-a, asia-south1-b" in found


def test_a_role_on_whole_nodes_gets_all_their_gpus() -> None:
    place = {"location": {"region": "us-east1", "zone": "us-east1-d"}}
    plan = planned(TRY | place | on(GB200))
    assert {worker.role: worker.tensor_parallel for worker in plan.graphs[0].workers} == {"prefill": 1, "decode": 4}
    assert [pool.nodes for pool in plan.gpu_pools] == [1, 1]
    role = on(GB200)["models.chat.decode"]
    found = errors(TRY | place | {"models.chat.decode": role | {"tensorParallel": 3}})
    assert [error.path for error in found] == ["models.chat.decode.tensorParallel"], found


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"models.chat.decode": {"machine": "g2-standard-96"}},
         "engines use 1 of the 8 GPUs of 1 × g2-standard-96; 7 are paid and idle"),
        ({"models.chat.decode": {"machine": "g2-standard-96", "replicas": 8}}, None),
        ({"models.chat.decode": {"machine": "g2-standard-24", "replicas": 3}},
         "engines use 3 of the 4 GPUs of 2 × g2-standard-24; 1 is paid and idle"),
        ({"models.chat.decode": {"machine": "g2-standard-96"}, "cluster": {"existing": {"name": "c"}}}, None),
    ],
)  # fmt: skip
def test_idle_gpus_are_named(changes: dict[str, Any], says: str | None) -> None:
    found = [warning for warning in planned(TRY | changes).warnings if "idle" in warning]
    assert len(found) == (says is not None), found
    assert all(says in warning for warning in found if says)


@pytest.mark.parametrize(
    ("capacity", "left_out"),
    [
        ({"mode": "spot"}, True),
        ({"mode": "spot", "compactPlacement": False}, False),
        ({"mode": "spot", "compactPlacement": True}, False),
        ({"mode": "onDemand"}, False),
        (None, False),
    ],
)
def test_a_role_inherits_nothing_of_the_capacity_of_the_stack(capacity: dict[str, Any] | None, left_out: bool) -> None:
    plan = planned(TRY | ({"models.chat.decode": {"capacity": capacity}} if capacity else {}))
    found = [warning for warning in plan.warnings if "replaces the stack's capacity" in warning]
    assert found == left_out * [
        "models.chat.decode.capacity: replaces the stack's capacity as a whole, so compactPlacement of `capacity` does "
        "not apply; repeat what the role needs"
    ]
    compact = {pool.key: pool.purchase.compact for pool in plan.gpu_pools if pool.purchase}
    assert compact.get("decode-spot", False) is (capacity == {"mode": "spot", "compactPlacement": True} or left_out)
