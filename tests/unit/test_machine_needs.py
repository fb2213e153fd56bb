"""What machines need beyond their hardware: pools of fixed size, Dataplane V2."""

from dataclasses import replace
from typing import Any

import pytest

from catalog.machines import gpu_machine
from planning.preflight import checks
from planning.preflight.check import Verdict
from planning.preflight.existing import ClusterState, ExistingClusterFits
from tests.stacks import errors, place, planned

GB200, METAL = "a4x-highgpu-4g", "a4x-maxgpu-4g-metal"
SCALED = {"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}, "capacity.maxNodes": 4}
GOOD_CLUSTER = ClusterState(
    version="1.35.8-gke.1036000",
    dataplane_v2=True,
    multi_networking=True,
    dns_endpoint=True,
    workload_pool="my-project.svc.id.goog",
    fuse_driver=True,
    gateway_api=True,
    secret_sync=True,
    managed_prometheus=True,
    ranges={},
)


def on(machine: str) -> dict[str, Any]:
    return {
        "location": place(gpu_machine(machine)),
        "capacity": {"machine": machine, "mode": "reservation", "reservation": "ours"},
        "network": {"rdma": "dranetAuto"},
    }


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        (SCALED, ["models.chat.autoscaling.decode"]),
        (SCALED | {"cluster": {"existing": {"name": "c", "addGpuPools": True}}}, ["models.chat.autoscaling.decode"]),
        (SCALED | {"cluster": {"existing": {"name": "c"}}, "capacity.maxNodes": None}, []),
        ({"models.chat.autoscaling": {"decode": {"min": 1, "max": 1}}}, []),
        ({"models.chat.decode": {"replicas": 3}, "capacity.maxNodes": 4}, []),
    ],
)
def test_a_pool_of_fixed_size_cannot_grow(changes: dict[str, Any], refused: list[str]) -> None:
    given = {path: value for path, value in (on(METAL) | changes).items() if value is not None}
    found = errors(given)
    assert [error.path for error in found] == refused, found
    for error in found:
        assert "needs up to 3 nodes" in error.message
        assert f"pools of {METAL} have a fixed size" in error.message
    assert errors(on(GB200) | SCALED) == ()


def dataplane_v2(changes: dict[str, Any], existing: dict[str, Any]) -> str:
    """What preflight says about an existing cluster that lacks only Dataplane V2; empty if it passes."""
    plan = planned(changes | {"cluster": {"existing": {"name": "c"} | existing}})
    (check,) = [each for each in checks(plan) if isinstance(each, ExistingClusterFits)]
    assert check.judge(GOOD_CLUSTER).verdict is Verdict.PASSED
    result = check.judge(replace(GOOD_CLUSTER, dataplane_v2=False))
    return result.sentence if result.verdict is not Verdict.PASSED else ""


WITHOUT_RDMA = {"network": {"rdma": "none"}, "models.chat.kvTransfer": "tcp"}
AGGREGATED = {"network": {"rdma": "none"}, "models.chat.layout": "aggregated"}


@pytest.mark.parametrize(
    ("changes", "existing", "needed_by"),
    [
        (on(GB200) | WITHOUT_RDMA, {"addGpuPools": True}, GB200),
        (on(GB200) | AGGREGATED, {"addGpuPools": True}, GB200),
        (on(METAL) | WITHOUT_RDMA, {"addGpuPools": True}, METAL),
        (on(GB200), {"addGpuPools": True}, f"RDMA and {GB200}"),
        (on("a3-ultragpu-8g"), {"addGpuPools": True}, "RDMA"),
        (on("a3-ultragpu-8g") | WITHOUT_RDMA, {"addGpuPools": True}, ""),
        (on(GB200) | WITHOUT_RDMA, {}, ""),
    ],
)
def test_machines_that_need_dataplane_v2_get_no_pool_without_it(
    changes: dict[str, Any], existing: dict[str, Any], needed_by: str
) -> None:
    says = dataplane_v2(changes, existing)
    assert says.count("no Dataplane V2") == bool(needed_by)
    assert f"without which {needed_by} cannot work" in says if needed_by else not says
