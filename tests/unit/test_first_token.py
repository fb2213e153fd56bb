"""The estimate of what is paid before the first token, by capacity mode."""

import pytest

from catalog.capacity import NAMES as CAPACITY_MODES
from planning.first_token import CLUSTER_MINUTES, IMAGE_MINUTES, NODE_MINUTES, VERIFICATION_MINUTES, WARM_UP_MINUTES
from tests.stacks import planned

LATER = [mode for mode in CAPACITY_MODES if mode != "reservation"]


def capacity(mode: str) -> dict[str, str]:
    return {"mode": mode} | ({"reservation": "r"} if mode == "reservation" else {})


@pytest.mark.parametrize("mode", LATER)
def test_nodes_that_come_last_are_paid_from_their_start_only(mode: str) -> None:
    first = planned({"capacity": capacity(mode)}).first_token
    assert first
    unpaid = [phase.name for phase in first.phases if not phase.gpus]
    assert unpaid == ["cluster, CPU nodes", "platform, weights into the bucket"]
    load = 141_107_412_992 / 1e9 / 60  # weights of Llama-3.3-70B in BF16 at 1 GB/s
    paid = NODE_MINUTES + IMAGE_MINUTES + load + WARM_UP_MINUTES + VERIFICATION_MINUTES
    assert first.paid_gpu_minutes == pytest.approx(16 * paid)


def test_a_reservation_is_paid_all_the_while_and_its_nodes_come_beside_the_weights() -> None:
    reserved = planned({"capacity": capacity("reservation")}).first_token
    spot = planned({"capacity": capacity("spot")}).first_token
    assert reserved
    assert spot
    assert all(phase.gpus == 16 for phase in reserved.phases)
    assert reserved.paid_gpu_minutes == pytest.approx(16 * reserved.minutes)
    assert reserved.minutes < spot.minutes
    assert reserved.paid_gpu_minutes > spot.paid_gpu_minutes
    assert reserved.usd == pytest.approx(84.81 / 8 * reserved.paid_gpu_minutes / 60)
    assert spot.usd is None  # its price is not fixed


@pytest.mark.parametrize("mode", LATER)
@pytest.mark.parametrize("later", ["prefill", "decode"])
def test_of_two_capacity_modes_each_is_paid_from_its_own_start(later: str, mode: str) -> None:
    reserved, mixed = (
        planned({"capacity": capacity("reservation")} | role).first_token
        for role in ({}, {f"models.chat.{later}": {"capacity": {"mode": mode}}})
    )
    assert reserved
    assert mixed
    assert [phase.name for phase in mixed.phases][1:3] == [
        "platform, weights into the bucket",
        "GPU nodes, their driver",
    ]
    assert [phase.gpus for phase in mixed.phases] == [8, 8, 16, 16, 16, 16]
    assert mixed.minutes == pytest.approx(reserved.minutes + NODE_MINUTES)
    unpaid = sum(phase.minutes for phase in mixed.phases[:2])
    assert mixed.paid_gpu_minutes == pytest.approx(16 * mixed.minutes - 8 * unpaid)
    if mode == "onDemand":
        assert mixed.usd == pytest.approx(84.81 / 8 * mixed.paid_gpu_minutes / 60)


def test_an_existing_cluster_is_not_waited_for() -> None:
    there = {"cluster": {"existing": {"name": "shared", "addGpuPools": True}}}
    new, added = planned().first_token, planned(there).first_token
    assert new
    assert added
    assert new.minutes - added.minutes == pytest.approx(CLUSTER_MINUTES)


def test_without_nodes_of_its_own_a_stack_pays_none() -> None:
    assert planned({"models.chat.layout": "simulated"}).first_token is None
    assert planned({"cluster": {"existing": {"context": "c"}}}).first_token is None
