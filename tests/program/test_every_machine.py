"""Every GPU machine of the catalog in every layout and capacity mode that it has: planned, rendered, and held against
Kubernetes' and Dynamo's own schemas; and what it does not have is refused."""

import re
from typing import Any

import pytest

from catalog.capacity import NAMES as MODES
from catalog.capacity import capacity_mode
from catalog.engines import default_engine
from catalog.layouts import layouts_for
from catalog.machines import FOLDER, GpuMachine, gpu_machine, gpu_machine_names
from catalog.models import Layout, Placement, card
from catalog.rdma import KvTransfer
from manifests.graph import build
from ops.offline.recording import record
from ops.report.objects import objects
from planning.load import load
from planning.plan import plan as planned_from
from planning.preflight import checks as preflight_checks
from planning.preflight.quota import ALL_REGIONS, QuotaSufficient
from planning.types import Plan, Worker
from tests import strict
from tests.stacks import ROOT, config, errors, on_machine, planned

MODEL = "qwen3-0.6b"
NAMES = gpu_machine_names()


def layouts(machine: GpuMachine) -> dict[str, Layout]:
    return dict(layouts_for(card(MODEL), machine, default_engine()))


def moves_kv(layout: Layout) -> bool:
    return layout.prefill is not None and layout.placement is not Placement.CPU


TCP = {"kvTransfer": "tcp"}


def stack(name: str, layout: str, mode: str) -> dict[str, Any]:
    """A stack on a machine; over TCP where KV cache moves and there is no RDMA."""
    machine = gpu_machine(name)
    tcp = TCP if machine.rdma is None and moves_kv(layouts(machine)[layout]) else {}
    return on_machine(machine, mode, {"model": MODEL, "layout": layout} | tcp)


BOUGHT = [
    (name, layout, mode)
    for name in NAMES
    for layout in layouts(gpu_machine(name))
    for mode in gpu_machine(name).sold
    if layout != "simulated"
]


def gpu_graph(plan: Plan) -> dict[str, Any]:
    return build(plan.graphs[0], plan.labels).to_wire()


@pytest.mark.parametrize(("name", "layout", "mode"), BOUGHT, ids=["-".join(each) for each in BOUGHT])
def test_what_a_machine_has_is_planned_and_rendered(name: str, layout: str, mode: str) -> None:
    plan, machine = planned(stack(name, layout, mode)), gpu_machine(name)
    graph = gpu_graph(plan)
    assert strict.errors([graph]) == []
    assert {pool.machine.name for pool in plan.gpu_pools} == {name}
    assert {pool.purchase and pool.purchase.mode for pool in plan.gpu_pools} == {mode}
    assert all(worker.memory and worker.memory.fits for worker in plan.graphs[0].workers)
    moves = moves_kv(layouts(machine)[layout])
    assert plan.graphs[0].kv_transfer == ((KvTransfer.RDMA if machine.rdma else KvTransfer.TCP) if moves else None)
    asked = [question.gpus for question in preflight_checks(plan) if isinstance(question, QuotaSufficient)]
    assert set(asked) <= {plan.gpus}
    assert bool(asked) is (machine.sold[mode].quota is not None)


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_program_of_a_machine_is_what_kubernetes_takes(name: str) -> None:
    machine = gpu_machine(name)
    layout = "multi-node" if moves_kv(layouts(machine)["multi-node"]) else "aggregated"
    recording = record(ROOT, config(stack(name, layout, next(reversed(machine.sold)))))
    pools = {r.inputs["name"]: r.inputs for r in recording.resources if r.type.endswith(":NodePool")}
    nodes = [pool["nodeConfig"] for key, pool in pools.items() if key != "system"]
    assert {node["machineType"] for node in nodes} == {name}
    assert {(node["bootDisk"]["diskType"], node["bootDisk"]["sizeGb"]) for node in nodes} == {
        (machine.boot_disk.type, machine.boot_disk.size_gb)
    }
    assert all(("ephemeralStorageLocalSsdConfig" in node) is bool(machine.local_ssds) for node in nodes)
    assert strict.errors(objects(recording)) == []


# Of a node's CPU and memory: what GKE keeps for itself, and about what its own pods on a GPU node request.
def free_cpu(machine: GpuMachine) -> float:
    """Less what GKE reserves: of the first core 6 %, of the second 1 %, of two more 0.5 %, of the rest 0.25 %."""
    return machine.vcpus - 0.08 - 0.0025 * max(0, machine.vcpus - 4) - 1.0


def free_gib(machine: GpuMachine) -> float:
    """Less what GKE reserves: 25 % of the first 4 GiB, 20 % of the next 4, 10 % of the next 8, 6 % up to 128 and 2 %
    above; 0.1 for eviction."""
    steps = ((4, 0.25), (4, 0.2), (8, 0.1), (112, 0.06), (10_000, 0.02))
    left, reserved = machine.memory_gb, 0.1
    for size, share in steps:
        reserved += min(left, size) * share
        left = max(0, left - size)
    return machine.memory_gb * 0.98 - reserved - 1.5


@pytest.mark.parametrize("name", NAMES)
def test_workers_on_all_gpus_leave_room_for_the_nodes_own_pods(name: str) -> None:
    machine = gpu_machine(name)
    assert machine.worker_share.cpu * machine.gpus.count <= free_cpu(machine)
    assert machine.worker_share.memory_gib * machine.gpus.count <= free_gib(machine)


@pytest.mark.parametrize("name", NAMES)
def test_shared_memory_stays_within_what_a_worker_requests(name: str) -> None:
    for layout in layouts(gpu_machine(name)):
        plan = planned(stack(name, layout, next(iter(gpu_machine(name).sold))))
        components = {c["name"]: c for c in gpu_graph(plan)["spec"]["components"]}
        for worker in plan.graphs[0].workers:
            if worker.machine:
                assert gib(components[worker.role]["sharedMemorySize"]) <= requested(worker)


def gib(quantity: str) -> int:
    assert quantity.endswith("Gi")
    return int(quantity.removesuffix("Gi"))


def requested(worker: Worker) -> int:
    assert worker.machine
    return worker.machine.worker_share.memory_gib * worker.tensor_parallel


WITHOUT_RDMA = [name for name in NAMES if gpu_machine(name).rdma is None]
APART = [(name, layout) for name in WITHOUT_RDMA for layout, its in layouts(gpu_machine(name)).items() if moves_kv(its)]


def test_the_machines_that_are_promised_are_there() -> None:
    assert set(NAMES) >= {
        *("a3-highgpu-8g", "a3-megagpu-8g", "a2-highgpu-8g", "a2-ultragpu-1g", "a2-ultragpu-8g"),
        *(f"g2-standard-{vcpus}" for vcpus in (8, 12, 24, 48, 96)),
        *(f"g4-standard-{vcpus}" for vcpus in (48, 96, 192, 384)),
    }
    assert {name for name in NAMES if not name.startswith(("a3-ultra", "a4"))} <= set(WITHOUT_RDMA)


@pytest.mark.parametrize("rdma", [None, "rdma"])
@pytest.mark.parametrize("network", [{}, {"network": {"rdma": "none"}}], ids=["default", "none"])
@pytest.mark.parametrize(("name", "layout"), APART, ids=["-".join(each) for each in APART])
def test_kv_transfer_left_out_without_rdma_is_refused(
    name: str, layout: str, network: dict[str, Any], rdma: str | None
) -> None:
    chat = {"model": MODEL, "layout": layout} | ({"kvTransfer": rdma} if rdma else {})
    (refused,) = errors(stack(name, layout, "spot") | network | {"models.chat": chat})
    assert refused.path == "models.chat.kvTransfer"
    assert f"{name} has no RDMA NICs" in refused.message
    assert "200 to 500 times as long" in refused.message
    assert "accept it with tcp" in refused.message
    assert rdma or "use layout aggregated" in refused.message


@pytest.mark.parametrize(("name", "layout"), APART, ids=["-".join(each) for each in APART])
def test_tcp_is_said_plainly_and_expected(name: str, layout: str) -> None:
    plan = planned(stack(name, layout, "spot"))
    (warning,) = (each for each in plan.warnings if each.startswith("models.chat.kvTransfer: tcp"))
    assert "Not for real use" in warning
    transport = plan.graphs[0].verification.transport
    assert transport
    assert transport.declared is KvTransfer.TCP
    for component in gpu_graph(plan)["spec"]["components"][1:]:
        spec = component["podTemplate"]["spec"]
        (container,) = spec["containers"]
        assert "resourceClaims" not in spec
        assert "claims" not in container["resources"]
        assert "capabilities" not in container["securityContext"]
        assert {"name": "UCX_TLS", "value": "cuda_copy,tcp"} in container["env"]
    assert plan.pod_security.level == "baseline"
    assert plan.nic_claims == ()


@pytest.mark.parametrize("name", WITHOUT_RDMA)
def test_kv_transfer_has_no_say_where_no_kv_cache_moves(name: str) -> None:
    (refused,) = errors(stack(name, "aggregated", "spot") | {"models.chat.kvTransfer": "tcp"})
    assert (refused.path, "has no effect" in refused.message) == ("models.chat.kvTransfer", True)


@pytest.mark.parametrize("name", [name for name in NAMES if gpu_machine(name).gpus.count == 1])
def test_machines_with_one_gpu_hold_one_role_each(name: str) -> None:
    plan = planned(stack(name, "multi-node", "spot"))
    assert [(pool.key, pool.nodes, pool.gpus) for pool in plan.gpu_pools] == [("decode", 1, 1), ("prefill", 1, 1)]
    (refused,) = errors(stack(name, "multi-node", "spot") | {"models.chat.layout": "single-node"})
    assert refused.path == "models.chat.layout"
    assert f"gives a role no whole GPU of {name}, which has 1" in refused.message
    assert "use layout multi-node" in refused.message


def test_a_shorter_length_makes_a_layout_possible_that_the_usual_one_does_not() -> None:
    given = stack("g2-standard-8", "multi-node", "spot") | {"models.chat.model": "llama-3.1-8b-instruct"}
    given |= {"hfToken": {"secure": "v1:abc"}}
    (refused,) = errors(given)
    found = re.search(r"it fits with engine\.maxModelLen (\d+) or less", refused.message)
    assert refused.path == "models.chat.layout"
    assert found
    (graph,) = planned(given | {"models.chat.engine": {"maxModelLen": int(found[1])}}).graphs
    assert {worker.tensor_parallel for worker in graph.workers} == {1}
    assert all(worker.memory and worker.memory.fits for worker in graph.workers)
    (still,) = errors(given | {"models.chat.engine": {"maxModelLen": int(found[1]) + 1}})
    assert still.path == "models.chat.layout"


NOT_SOLD = [(name, mode) for name in NAMES for mode in MODES if mode not in gpu_machine(name).sold]


def test_flex_start_does_not_sell_g4() -> None:
    assert {name for name, mode in NOT_SOLD if mode == "flexStart"} >= {f"g4-standard-{n}" for n in (48, 96, 192, 384)}


@pytest.mark.parametrize(("name", "mode"), NOT_SOLD, ids=["-".join(each) for each in NOT_SOLD])
def test_a_mode_that_is_not_sold_is_refused(name: str, mode: str) -> None:
    refused = {error.path: error.message for error in errors(stack(name, "aggregated", mode))}
    assert f"{name} is not sold by {mode}, only by " in refused["capacity.mode"]


@pytest.mark.parametrize("name", WITHOUT_RDMA)
def test_a_zone_that_is_not_listed_is_refused_with_the_nearest(name: str) -> None:
    machine = gpu_machine(name)
    elsewhere = {"region": "africa-south1", "zone": "africa-south1-a"}
    given = stack(name, "aggregated", "spot") | {"location": elsewhere}
    (refused,) = errors(given)
    assert refused.path == "location.zone"
    assert f"{name} was not listed in africa-south1-a" in refused.message
    assert sum(zone in refused.message for zone in machine.zones) >= min(9, len(machine.zones))
    allowed = planned(given | {"location": elsewhere | {"allowUnlisted": True}})
    assert any("was not listed in africa-south1-a" in warning for warning in allowed.warnings)


SPOT = [name for name in NAMES if "spot" in gpu_machine(name).sold and "onDemand" in gpu_machine(name).prices]


@pytest.mark.parametrize("name", SPOT)
def test_spot_is_bounded_by_the_price_on_demand(name: str) -> None:
    machine = gpu_machine(name)
    plan, each = planned(stack(name, "aggregated", "spot")), machine.prices["onDemand"].usd_per_hour
    (item,) = (item for item in plan.costs if name in item.name)
    nodes = plan.gpu_pools[0].nodes
    assert item.usd_bound == pytest.approx(nodes * each, abs=1e-3)
    assert item.usd_max == pytest.approx(plan.gpu_pools[0].max_nodes * each, abs=1e-3)
    if spot := machine.prices.get("spot"):
        assert item.usd_per_hour == pytest.approx(nodes * spot.usd_per_hour, abs=1e-3)
        assert spot.usd_per_hour < each
        assert "changes daily" in item.basis
        assert plan.cost_outputs["costPerHourUpperBound"] == plan.cost_bound
        assert any("it changes daily" in warning for warning in plan.warnings)


def test_a_quota_over_all_regions_is_asked_for_as_well() -> None:
    plan = planned(stack("g2-standard-8", "multi-node", "spot"))
    asked = {q.quota.id: (q.region, q.gpus) for q in preflight_checks(plan) if isinstance(q, QuotaSufficient)}
    assert asked == {
        "PREEMPTIBLE-NVIDIA-L4-GPUS-per-project-region": (plan.region, 2),
        "GPUS-ALL-REGIONS-per-project": (ALL_REGIONS, 2),
    }


def test_formats_follow_from_the_generation_of_the_gpus() -> None:
    def reported(name: str, model: str, **engine: str) -> tuple[list[str], list[str]]:
        given = stack(name, "aggregated", "spot") | {"models.chat": {"model": model, "layout": "aggregated"}}
        given |= {"models.chat.engine": engine} if engine else {}
        refused = [f"{error.path}: {error.message}" for error in errors(given)]
        return refused, [] if refused else [w for w in planned_from(load(config(given))).warnings if "weight-only" in w]

    fp8 = "llama-3.3-70b-instruct-fp8"
    assert reported("a3-highgpu-8g", fp8) == ([], [])
    refused, (warning,) = reported("a2-ultragpu-8g", fp8)
    assert refused == []
    assert "weight-only on A100 80GB" in warning
    (no_fp8_cache,), _ = reported("a2-ultragpu-8g", "qwen3-0.6b", kvCacheDtype="fp8")
    assert no_fp8_cache.startswith("models.chat.engine.kvCacheDtype: ")
    assert reported("g2-standard-8", "qwen3-0.6b", kvCacheDtype="fp8") == ([], [])


def test_every_mode_that_machines_are_sold_in_is_one() -> None:
    assert {mode for name in NAMES for mode in gpu_machine(name).sold} <= {capacity_mode(mode).name for mode in MODES}


@pytest.mark.parametrize("name", NAMES)
def test_every_quota_has_one_over_all_regions_or_says_why_not(name: str) -> None:
    offers = [offer for offer in gpu_machine(name).sold.values() if offer.quota]
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    assert all(offer.over_all_regions for offer in offers) or "No overAllRegions: " in text
