"""Every machine with RDMA but the default, in each way that the catalog has to buy, wire and lay it out."""

from copy import deepcopy
from typing import Any

import pytest

from catalog.defaults import defaults
from catalog.engines import all_engines, default_engine
from catalog.layouts import layouts_for
from catalog.machines import ARCH_LABEL, GpuMachine, gpu_machine, gpu_machines
from catalog.models import Placement, card
from ops.offline.recorded import Recording
from ops.offline.recording import record
from ops.offline.verdicts import judge
from ops.report.objects import objects
from planning.preflight import checks
from planning.summary import summary
from tests import strict
from tests.program.test_stacks import of_type
from tests.stacks import ROOT, config, errors, on_machine, planned

MODEL = "llama-3.3-70b-instruct"
GENEROUS = {"gpu-budget": {"nodes": 9, "dollarsPerHour": 9000, "allowUnpriced": True}}
ARM64 = [machine.name for machine in gpu_machines() if machine.arch == "arm64"]


def stack(name: str, mode: str = "reservation", rdma: str | None = None, layout: str = "multi-node") -> dict[str, Any]:
    """A stack on a machine; RDMA in the first way that the machine has, unless one is given."""
    return on_machine(gpu_machine(name), mode, {"model": MODEL, "layout": layout}, rdma)


def combinations() -> list[tuple[str, str, str, str]]:
    return [
        (machine.name, mode, rdma, layout)
        for machine in gpu_machines()
        if machine.rdma and machine.name != defaults().machine  # which test_combinations.py has
        for mode in machine.sold
        for rdma in machine.rdma.modes
        for layout, found in layouts_for(card(MODEL), machine, default_engine()).items()
        if found.placement is not Placement.CPU
    ]


def small_engines_for_multi_network(name: str, rdma: str, layout: str) -> bool:
    """Whether an RDMA mode that hands a pod all NICs of its node meets engines over fewer GPUs than a node has."""
    machine = gpu_machine(name)
    found = layouts_for(card(MODEL), machine, default_engine())[layout]
    small = any(role.tensor_parallel < machine.gpus.count for role in found.roles.values())
    return rdma == "multiNetwork" and found.prefill is not None and small


@pytest.mark.parametrize("case", combinations(), ids="-".join)
def test_a_machine_renders_in_each_way_that_the_catalog_has(case: tuple[str, str, str, str]) -> None:
    name, mode, rdma, layout = case
    if small_engines_for_multi_network(name, rdma, layout):
        assert [error.path for error in errors(stack(*case))] == ["network.rdma"]
        return
    recording = record(ROOT, config(stack(*case)))
    assert strict.errors(objects(recording)) == []
    assert [verdict.message for verdict in judge(recording, GENEROUS) if verdict.mandatory] == []
    _pools_are_those_of(gpu_machine(name), recording, mode, rdma)
    _workers_ask_for(gpu_machine(name), recording, rdma)


def _pools_are_those_of(machine: GpuMachine, recording: Recording, mode: str, rdma: str) -> None:
    assert machine.rdma
    pools = [r.inputs for r in of_type(recording, ":NodePool") if "guestAccelerators" in r.inputs["nodeConfig"]]
    assert pools
    for pool in pools:
        node, network = pool["nodeConfig"], pool["networkConfig"]
        assert node["machineType"] == machine.name
        assert node["bootDisk"] == {"diskType": "hyperdisk-balanced", "sizeGb": 200}
        assert [(g["type"], g["count"]) for g in node["guestAccelerators"]] == [(machine.gpus.type, machine.gpus.count)]
        assert node["guestAccelerators"][0]["gpuDriverInstallationConfig"] == {"gpuDriverVersion": "LATEST"}
        assert node["ephemeralStorageLocalSsdConfig"] == {"localSsdCount": machine.local_ssds}
        assert (bool(node.get("spot")), bool(node.get("flexStart"))) == (mode == "spot", mode == "flexStart")
        assert bool(pool.get("placementPolicy")) is (mode in ("spot", "onDemand") and machine.compact_placement)
        nics = machine.rdma.count + int(machine.rdma.second_gvnic)
        assert len(network.get("additionalNodeNetworkConfigs", [])) == (0 if rdma == "dranetAuto" else nics)
        assert network.get("acceleratorNetworkProfile") == ("auto" if rdma == "dranetAuto" else None)
    (cluster,) = of_type(recording, "container/cluster:Cluster")
    assert cluster.inputs["datapathProvider"] == "ADVANCED_DATAPATH"


def _workers_ask_for(machine: GpuMachine, recording: Recording, rdma: str) -> None:
    requests = {
        template.inputs["metadata"]["name"]: template.inputs["spec"]["spec"]["devices"]["requests"][0]["exactly"]
        for template in of_type(recording, ":ResourceClaimTemplate")
    }
    by_claim = rdma != "multiNetwork"
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    for component in graph.inputs["spec"]["components"]:
        pod = component["podTemplate"]["spec"]
        taints = {taint["key"] for taint in pod.get("tolerations", [])}
        if component["type"] == "frontend":
            assert (taints, ARCH_LABEL in pod["nodeSelector"]) == (set(), False)
            continue
        gpus = int(pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"])
        arm = machine.arch == "arm64"
        assert taints == {"nvidia.com/gpu"} | ({ARCH_LABEL} if arm else set())
        assert pod["nodeSelector"].get(ARCH_LABEL) == ("arm64" if arm else None)
        claims = [requests[claim["resourceClaimTemplateName"]] for claim in pod.get("resourceClaims", [])]
        if machine.whole_node_workers:
            assert gpus == machine.gpus.count
            asked: dict[str, Any] = {"allocationMode": "All"}
        else:
            asked = {"allocationMode": "ExactCount", "count": machine.nics_for(gpus)}
        moves = by_claim and component["type"] in ("prefill", "decode")
        assert claims == ([{"deviceClassName": "mrdma.google.com", **asked}] if moves else [])


@pytest.mark.parametrize("name", ARM64)
def test_only_workers_go_to_arm64(name: str) -> None:
    """Jobs, frontends and the operator stay on the system pool, whose machine is x86."""
    recording = record(ROOT, config(stack(name)))
    (system,) = [r.inputs for r in of_type(recording, ":NodePool") if r.inputs["name"] == "system"]
    assert system["nodeConfig"]["machineType"] == "n2-standard-16"
    jobs = [r.inputs["spec"]["template"]["spec"] for r in of_type(recording, ":Job")]
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    frontends = [c["podTemplate"]["spec"] for c in graph.inputs["spec"]["components"] if c["type"] == "frontend"]
    assert len(jobs) == 2
    for pod in (*jobs, *frontends):
        assert pod["nodeSelector"] == {"cloud.google.com/gke-nodepool": "system"}
        assert "tolerations" not in pod
    (operator,) = of_type(recording, ":Release")
    assert "arm64" not in str(operator.inputs)
    assert "'cloud.google.com/gke-nodepool', 'operator': 'In', 'values': ['system']" in str(operator.inputs)


@pytest.mark.parametrize("more", [{"models.chat.kvTransfer": "tcp"}, {"models.chat.layout": "aggregated"}])
def test_workers_without_nics_claim_none_and_pass_the_policies(more: dict[str, Any]) -> None:
    recording = record(ROOT, config(stack("a4x-highgpu-4g") | more))
    assert list(of_type(recording, ":ResourceClaimTemplate")) == []
    assert [verdict.message for verdict in judge(recording, GENEROUS) if verdict.mandatory] == []


def test_a_role_on_a4x_is_sold_by_reservation_only_too() -> None:
    found = errors(stack("a4x-highgpu-4g") | {"models.chat.decode.capacity": {"mode": "spot"}})
    assert [error.path for error in found] == ["models.chat.decode.capacity.mode"]
    assert "set models.chat.decode.capacity.mode to reservation" in found[0].message


@pytest.mark.parametrize("name", ["a4x-highgpu-4g", "a4x-maxgpu-4g-metal"])
@pytest.mark.parametrize("mode", ["spot", "flexStart", "onDemand"])
def test_a4x_is_sold_by_reservation_only(name: str, mode: str) -> None:
    (found,) = errors(stack(name, mode))
    assert (found.path, found.message) == (
        "capacity.mode",
        f"{name} is not sold by {mode}, only by reservation; set capacity.mode to reservation and capacity.reservation "
        "to its name",
    )


def test_a4_is_not_sold_on_demand() -> None:
    (found,) = errors(stack("a4-highgpu-8g", "onDemand"))
    assert "a4-highgpu-8g is not sold by onDemand, only by reservation, spot, flexStart" in found.message


@pytest.mark.parametrize("layout", ["single-node"])
def test_two_workers_cannot_share_a_node_of_whole_node_workers(layout: str) -> None:
    found = [error.message for error in errors(stack("a4x-highgpu-4g", layout=layout))]
    assert any("single-node" in message and "needs 4" in message for message in found), found


def test_a_worker_over_a_part_of_an_a4x_node_is_refused() -> None:
    changes = stack("a4x-highgpu-4g") | {"models.chat.decode": {"tensorParallel": 2, "replicas": 2}}
    assert [error.path for error in errors(changes)] == ["models.chat.decode.tensorParallel"]


def test_a_machine_without_a_price_has_a_cost_that_is_not_known() -> None:
    plan = planned(stack("a4x-highgpu-4g"))
    assert (plan.cost_per_hour, plan.cost_bound) == (None, None)
    assert [item.basis for item in plan.costs if "a4x" in item.name] == ["reservation: price not known"] * 2
    assert not [warning for warning in plan.warnings if "prices are those of" in warning]
    assert plan.cost_outputs == {"costPerHour": "not known"}
    assert summary(plan)["costPerHour"] is None
    assert record(ROOT, config(stack("a4x-highgpu-4g"))).outputs["costPerHour"] == "not known"


def test_a_price_of_the_gpus_alone_says_so() -> None:
    plan = planned(stack("a4-highgpu-8g"))
    assert {item.basis for item in plan.costs if "a4-" in item.name} == {
        "reservation: single source, unverified, GPUs only, us-central1, undated copy"
    }


def test_gpu_budget_refuses_what_has_no_price_until_it_is_told_to_allow_it() -> None:
    recording = record(ROOT, config(stack("a4x-highgpu-4g")))
    of_budget = [v.message for v in judge(recording) if v.policy == "gpu-budget"]
    assert of_budget == [
        "a4x-highgpu-4g has no price in catalog/machines, so no budget can cover it; add its price there, or set "
        "gpu-budget.allowUnpriced to true in policies/config.prod.json, in a separate change"
    ]
    assert [v.message for v in judge(recording, {"gpu-budget": {"allowUnpriced": True}}) if v.mandatory] == []
    one_node = {"gpu-budget": {"allowUnpriced": True, "nodes": 1}}
    assert ["2 GPU nodes" in v.message for v in judge(recording, one_node) if v.policy == "gpu-budget"] == [True]


def test_a_machine_that_is_rendered_only_says_what_it_needs() -> None:
    (found,) = [warning for warning in planned(stack("a4x-maxgpu-4g-metal")).warnings if "rendered only" in warning]
    for need in ("sub-block", "vpc-roce-metal", "enableShieldedNodes", "cni-migration", "4096 huge pages", "asapd-lite",
                 "UCX_IB_GID_INDEX=5", "R580.95.05", "1x72"):  # fmt: skip
        assert need in found
    assert not [warning for warning in planned(stack("a4x-highgpu-4g")).warnings if "rendered only" in warning]


@pytest.mark.parametrize(
    ("name", "mode", "asks"),
    [
        ("a4-highgpu-8g", "spot", "PREEMPTIBLE-NVIDIA-B200-GPUS-per-project-region in asia-northeast1 is 16 or more"),
        ("a4-highgpu-8g", "flexStart", "PREEMPTIBLE-NVIDIA-B200-GPUS-per-project-region in asia-northeast1 is 16"),
        ("a4-highgpu-8g", "reservation", "reservation ours is in zone asia-northeast1-b with 2 × a4-highgpu-8g free"),
        ("a4-highgpu-8g", "reservation", "asia-northeast1-b has the network profile asia-northeast1-b-vpc-roce"),
        ("a4x-highgpu-4g", "reservation", "reservation ours is in zone us-east1-d with 2 × a4x-highgpu-4g free"),
        ("a4x-highgpu-4g", "reservation", "1.34.1-gke.1829001 or newer, as DRANET needs"),
        ("a4x-maxgpu-4g-metal", "reservation", "1.35.0-gke.2745000 or newer, as a4x-maxgpu-4g-metal needs"),
    ],
)
def test_the_preflight_asks_for_the_machine(name: str, mode: str, asks: str) -> None:
    assert asks in "\n".join(check.condition for check in checks(planned(stack(name, mode))))


def test_an_older_cluster_must_have_the_floor_of_the_machine() -> None:
    asked = checks(planned(stack("a4x-highgpu-4g", rdma="multiNetwork", layout="multi-node")))
    assert "1.33.4-gke.1036000 or newer, as a4x-highgpu-4g needs" in "\n".join(check.condition for check in asked)


def test_a_zone_without_the_machine_names_the_nearest_that_have_it() -> None:
    place = {"region": "us-central1", "zone": "us-central1-a"}
    (found,) = errors(stack("a4-highgpu-8g") | {"location": place})
    assert found.path == "location.zone"
    assert (
        "a4-highgpu-8g was not listed in us-central1-a when last looked up, but in us-central1-b, us-" in found.message
    )
    assert errors(stack("a4-highgpu-8g") | {"location": {**place, "allowUnlisted": True}}) == ()


def test_a_claim_for_all_nics_counts_as_those_of_the_node() -> None:
    """`allocationMode: All` gives a pod with fewer GPUs the NICs of others; one without claims gets none."""
    recording = record(ROOT, config(stack("a4x-highgpu-4g")))

    def nic_errors(change: Any) -> list[str]:
        broken = deepcopy(recording)
        change([c for r in of_type(broken, ":DynamoGraphDeployment") for c in r.inputs["spec"]["components"]][1])
        return [v.message for v in judge(broken, GENEROUS) if v.policy == "nic-per-gpu"]

    def fewer_gpus(component: dict[str, Any]) -> None:
        component["podTemplate"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = "2"

    def no_claim(component: dict[str, Any]) -> None:
        component["podTemplate"]["spec"]["resourceClaims"] = []

    assert nic_errors(lambda component: None) == []
    assert ["has 2 GPUs and gets 4 RDMA NICs" in message for message in nic_errors(fewer_gpus)] == [True]
    assert ["has 4 GPUs and gets 0 RDMA NICs" in message for message in nic_errors(no_claim)] == [True]


@pytest.mark.parametrize("engine", [engine.name for engine in all_engines().values() if not engine.simulated])
@pytest.mark.parametrize("name", ["a4-highgpu-8g", "a4x-highgpu-4g", "a4x-maxgpu-4g-metal"])
def test_the_whole_program_of_each_engine_on_blackwell(name: str, engine: str) -> None:
    recording = record(ROOT, config(stack(name) | {"models.chat.engine": {"name": engine}}))
    assert strict.errors(objects(recording)) == []
    assert [verdict.message for verdict in judge(recording, GENEROUS) if verdict.mandatory] == []
