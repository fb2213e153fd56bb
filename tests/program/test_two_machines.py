"""Prefill and decode on two machines of the catalog: the whole program, and what each role gets of its own."""

from typing import Any

import pytest

from catalog.machines import gpu_machine
from ops.offline.recording import record
from ops.offline.verdicts import judge
from ops.report.objects import objects
from planning import names
from planning.preflight import checks
from planning.preflight.quota import QuotaSufficient
from planning.preflight.reservation import ReservationFree
from tests import strict
from tests.program.test_rdma_machines import GENEROUS
from tests.program.test_stacks import of_type
from tests.stacks import ROOT, config, errors, planned

H200, B200, GB200, METAL = "a3-ultragpu-8g", "a4-highgpu-8g", "a4x-highgpu-4g", "a4x-maxgpu-4g-metal"
L4, H100, A100 = "g2-standard-8", "a3-highgpu-8g", "a2-highgpu-8g"
OURS = "a-reservation-with-a-name-as-long-as-people-give-them"


def two(prefill: str, decode: str, runs: str = "vllm", **more: Any) -> dict[str, Any]:
    """A stack whose roles run on two machines, each in a reservation of its own. Not every pair has a zone in common,
    so the zone is not held against the machines' lists."""
    roles = {
        role: {"machine": name, "capacity": {"mode": "reservation", "reservation": f"{role}-{OURS}"}}
        for role, name in (("prefill", prefill), ("decode", decode))
    }
    return {
        "location": {"region": "us-central1", "zone": "us-central1-b", "allowUnlisted": True},
        "capacity": {"mode": "reservation", "reservation": "unused"},
        "models.chat": {"model": "llama-3.3-70b-instruct", "layout": "multi-node", "engine": {"name": runs}, **roles},
        "labels": {"owner": "ml-platform", "costCenter": "1234"},
    } | more


@pytest.mark.parametrize("runs", ["vllm", "sglang", "trtllm"])
@pytest.mark.parametrize(("prefill", "decode"), [(H200, B200), (B200, H200), (H200, GB200), (B200, GB200)])
def test_roles_on_two_machines_render(prefill: str, decode: str, runs: str) -> None:
    changes = two(prefill, decode, runs)
    for role, name in (("prefill", prefill), ("decode", decode)):
        changes["models.chat"][role]["tensorParallel"] = gpu_machine(name).gpus.count
    recording = record(ROOT, config(changes))
    assert strict.errors(objects(recording)) == []
    assert [verdict.message for verdict in judge(recording, GENEROUS) if verdict.mandatory] == []

    plan = planned(changes)
    pools = {pool.key.partition("-")[0]: pool for pool in plan.gpu_pools}
    nodes = {r.inputs["name"]: r.inputs for r in of_type(recording, ":NodePool")}
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    pods = {c["name"]: c["podTemplate"]["spec"] for c in graph.inputs["spec"]["components"]}
    for role, name in (("prefill", prefill), ("decode", decode)):
        machine, pool = gpu_machine(name), pools[role]
        node = nodes[pool.name]
        assert node["nodeConfig"]["machineType"] == name
        assert node["nodeConfig"]["reservationAffinity"]["values"] == [f"{role}-{OURS}"]
        assert pods[role]["nodeSelector"]["cloud.google.com/gke-nodepool"] == pool.name
        assert pods[role]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == str(machine.gpus.count)
        (claim,) = pods[role]["resourceClaims"]
        size = "all" if machine.whole_node_workers else machine.rdma_nics
        assert claim["resourceClaimTemplateName"] == names.claim_template(size)
    assert {item.name for item in plan.costs} >= {f"{pool.name}: 1 × {pool.machine.name}" for pool in plan.gpu_pools}
    reservations = {str(q.reservation): q.nodes for q in checks(plan) if isinstance(q, ReservationFree)}
    assert reservations == {f"{role}-{OURS}": 1 for role in ("prefill", "decode")}
    first, second = (worker.extra_args for worker in plan.graphs[0].workers)
    assert first == second


def test_each_role_bought_by_quota_has_a_check_of_its_own() -> None:
    changes = two(H200, B200)
    for role in ("prefill", "decode"):
        changes["models.chat"][role]["capacity"] = {"mode": "spot"}
    asked = [q for q in checks(planned(changes)) if isinstance(q, QuotaSufficient)]
    assert sorted(q.quota.id for q in asked) == [
        "PREEMPTIBLE-NVIDIA-B200-GPUS-per-project-region",
        "PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region",
    ]
    assert [q.gpus for q in asked] == [8, 8]


def _tcp(changes: dict[str, Any]) -> dict[str, Any]:
    changes["models.chat"]["kvTransfer"] = "tcp"
    return changes


def _chat(changes: dict[str, Any], **roles: dict[str, Any]) -> dict[str, Any]:
    for role, given in roles.items():
        changes["models.chat"][role] |= given
    return changes


SIZE_4 = {"tensorParallel": 4}
# What a stack says, where the error is, and a part of it.
REFUSED = {
    "another network profile": (
        _chat(two(H200, METAL), decode=SIZE_4), "models.chat.decode.machine",
        "KV cache cannot move from a3-ultragpu-8g (network profile ZONE-vpc-roce) to a4x-maxgpu-4g-metal"),
    "RDMA on prefill alone": (two(H200, H100), "models.chat.kvTransfer", f"{H100} has no RDMA NICs"),
    "RDMA on decode alone": (two(H100, H200), "models.chat.kvTransfer", f"{H100} has no RDMA NICs"),
    "a reservation of another zone": (
        _chat(two(H200, B200), decode={"capacity": {"mode": "reservation",
              "reservation": "projects/my-project/zones/us-east1-b/reservations/r"}}),
        "models.chat.decode.capacity.reservation", "is in zone us-east1-b"),
    "a size that does not divide the other": (
        _chat(two(H200, B200), prefill={"tensorParallel": 8}, decode={"tensorParallel": 3}),
        "models.chat.decode.tensorParallel", "cannot divide"),
    "another backend for one role": (
        _chat(two(H200, B200), decode={"extraArgs": ["--attention-backend", "FLASHINFER"]}),
        "models.chat.decode.extraArgs", "capability 9, decode (B200) has FLASHINFER; give it in"),
    "FP8 KV cache on a GPU without": (
        _tcp(two(H200, A100, engine=None)) | {"models.chat.engine": {"kvCacheDtype": "fp8"}},
        "models.chat.engine.kvCacheDtype", "which A100"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_roles_between_which_kv_cache_cannot_move_are_rejected(name: str) -> None:
    changes, path, says = REFUSED[name]
    found = {error.path: error.message for error in errors({k: v for k, v in changes.items() if v is not None})}
    assert says in found.get(path, ""), found


def test_kv_cache_may_move_over_tcp_between_any_two() -> None:
    assert errors(_tcp(two(H200, H100))) == ()


def test_a_pool_name_that_gke_would_not_take_is_cut_and_stays_unique() -> None:
    pools = [pool.name for pool in planned(two(H200, B200)).gpu_pools]
    assert len(set(pools)) == len(pools)
    assert all(len(name) <= 40 for name in pools)
    long = "decode-a4-highgpu-8g-reservation-somebodys-b200"
    cut = names.node_pool(names.OWN_NAMESPACE, long)
    assert cut.startswith("decode-a4-highgpu-8g-reservatio")
    assert cut != names.node_pool(names.OWN_NAMESPACE, f"{long}s")
    assert names.node_pool(names.OWN_NAMESPACE, "prefill") == "prefill"
    assert names.node_pool("team", "decode-spot") == "team-decode-spot"
    assert names.node_pool("team", "x" * 35) == f"team-{'x' * 35}"
