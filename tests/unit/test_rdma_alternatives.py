"""Advice to use another RDMA mode names only modes that hand out the NICs of the stack's machines."""

from typing import Any

import pytest

from catalog.rdma import modes_of
from planning.preflight import checks
from planning.preflight.existing import ExistingClusterFits
from tests.made_up_machines import made_up_machines
from tests.stacks import errors, planned

__all__ = ["made_up_machines"]


@pytest.mark.parametrize(
    ("listed", "modes"),
    [
        ([("dranet", "dranetAuto", "multiNetwork")], ["dranet", "dranetAuto", "multiNetwork"]),
        ([("dranet", "dranetAuto"), ("multiNetwork", "dranetAuto")], ["dranetAuto"]),
        ([("dranet",), ("multiNetwork",)], []),
        ([("none", "dranet")], ["dranet"]),
    ],
)
def test_modes_of_several_machines(listed: list[tuple[str, ...]], modes: list[str]) -> None:
    assert [mode.name for mode in modes_of(listed)] == modes


def on(prefill: str, decode: str) -> dict[str, Any]:
    chat = {
        "model": "qwen3-32b",
        "layout": "multi-node",
        "kvTransfer": "tcp",
        "prefill": {"machine": prefill, "tensorParallel": 4, "replicas": 1},
        "decode": {"machine": decode, "tensorParallel": 4, "replicas": 1},
    }
    place = {"region": "us-west1", "zone": "us-west1-a", "allowUnlisted": True}
    return {"location": place, "capacity": {"machine": prefill, "mode": "spot"}, "models.chat": chat}


@pytest.mark.usefixtures("made_up_machines")
@pytest.mark.parametrize(
    ("prefill", "advice"),
    [
        ("x1-quad", "are needed; use a stack for each machine"),
        ("a4x-maxgpu-4g-metal", "are needed; use dranetAuto, or a stack for each machine"),
    ],
)
def test_machines_of_two_profiles(prefill: str, advice: str) -> None:
    (found,) = [
        e
        for e in errors(on(prefill, "a3-ultragpu-8g") | {"network": {"rdma": "dranet"}})
        if "networks of one profile" in e.message
    ]
    assert advice in found.message


@pytest.mark.usefixtures("made_up_machines")
@pytest.mark.parametrize(("machine", "mode"), [("x1-named", "multiNetwork"), ("x1-quad", "dranet")])
def test_without_a_setting_the_mode_is_one_of_the_machine(machine: str, mode: str) -> None:
    changes = on(machine, machine)
    changes["models.chat"] = {**changes["models.chat"], "kvTransfer": "rdma"}
    plan = planned(changes)
    assert plan.rdma.name == mode
    assert {pool.rdma.name for pool in plan.gpu_pools} == {mode}


def test_an_existing_cluster_without_multi_networking() -> None:
    shared = {"cluster.existing": {"name": "shared", "addGpuPools": True}}
    (check,) = [check for check in checks(planned(shared)) if isinstance(check, ExistingClusterFits)]
    assert check.modes_without == ("dranetAuto",)
