"""Nodes of simulated pools, from the inputs that the program gives its pools."""

from typing import Any

import pytest
import yaml

from catalog import machines
from catalog.machines import GpuMachine, gpu_machines
from manifests import labels as program_labels
from ops.offline.recorded import Recording
from ops.rehearsal import devices, fitting, node_sizes, nodes
from ops.rehearsal.errors import RehearsalError
from tests import machine_goldens
from tests.stacks import ROOT, recorded

ZONE = "europe-west1-b"
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
ARM_TAINT = {"key": "kubernetes.io/arch", "value": "arm64", "effect": "NoSchedule"}


def pools(stack: str = "prod") -> dict[str, dict[str, Any]]:
    """Pool → inputs, as the program registers them, with the cluster's id."""
    return pools_of(recorded(stack), f"dynamo-{stack}")


def pools_of(recording: Recording, cluster: str = "shared") -> dict[str, dict[str, Any]]:
    """The same of any recording, in a cluster of that name."""
    place = f"projects/my-project/locations/europe-west1/clusters/{cluster}"
    found = [each.inputs for each in recording.resources if each.type == "gcp:container/nodePool:NodePool"]
    return {inputs["name"]: {**inputs, "cluster": place} for inputs in found}


def pool(machine: str = "a3-ultragpu-8g", **node_config: Any) -> dict[str, Any]:
    """A GPU pool of prod on another machine, or with other node settings."""
    inputs = pools()["decode"]
    return {**inputs, "nodeConfig": {**inputs["nodeConfig"], "machineType": machine, **node_config}}


@pytest.mark.parametrize(
    ("gkes", "programs"),
    [
        (nodes.NODE_POOL, program_labels.NODE_POOL),
        (nodes.ACCELERATOR_LABEL, machines.ACCELERATOR_LABEL),
        (nodes.ARCH_LABEL, machines.ARCH_LABEL),
        (node_sizes.GPU_RESOURCE, machines.GPU_RESOURCE),
    ],
)
def test_the_program_names_what_it_selects_as_gke_does(gkes: str, programs: str) -> None:
    assert gkes == programs


def test_a_pool_begins_with_its_fixed_or_initial_count_per_zone() -> None:
    assert [len(nodes.of_pool({**pool(), "nodeCount": 3.0}, ZONE)), len(nodes.of_pool(pools()["system"], ZONE))] == [
        3,
        1,
    ]
    assert nodes.of_pool({**pool(), "nodeCount": None, "initialNodeCount": 0}, ZONE) == []
    assert nodes.of_pool({**pool(), "nodeCount": 0, "initialNodeCount": 2}, ZONE) == []


def test_a_gpu_node_shows_what_the_pool_and_its_machine_give_it() -> None:
    [node] = nodes.of_pool(pool(), ZONE)
    name = node["metadata"]["name"]
    assert name.startswith("gke-dynamo-prod-decode-")
    assert node["spec"] == {"providerID": f"gce://my-project/{ZONE}/{name}", "taints": [GPU_TAINT]}
    assert node["status"]["capacity"] == {
        "cpu": "224",
        "memory": "3022848Mi",
        "ephemeral-storage": "12000Gi",
        "pods": "110",
        "nvidia.com/gpu": "8",
    }
    labels = node["metadata"]["labels"]
    expected = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": ZONE,
        "topology.kubernetes.io/region": "europe-west1",
        "cloud.google.com/gke-nodepool": "decode",
        "cloud.google.com/gke-accelerator": "nvidia-h200-141gb",
        "cloud.google.com/gke-gpu-driver-version": "latest",
        "cloud.google.com/gke-networking-dra-driver": "true",
        "dynamo-gke/role": "decode",
    }
    assert {key: labels.get(key) for key in expected} == expected


def test_names_are_stable_distinct_and_no_longer_than_a_host_name() -> None:
    inputs = {**pool(), "name": "p" * 40, "cluster": "c" * 40}
    names = [
        nodes.node(inputs, zone, number)["metadata"]["name"] for zone in (ZONE, "europe-west1-c") for number in (0, 1)
    ]
    assert len(set(names)) == 4
    assert all(len(name) <= 63 for name in names)
    assert names[0] == nodes.node(inputs, ZONE, 0)["metadata"]["name"]


@pytest.mark.parametrize(
    ("inputs", "taints"),
    [
        (pools()["system"], []),
        (pool(), [GPU_TAINT]),
        (pool("a4x-highgpu-4g"), [GPU_TAINT, ARM_TAINT]),
        (pool(spot=True), [GPU_TAINT]),
        (
            pool(taints=[{"key": "team", "value": "ml", "effect": "NO_EXECUTE"}]),
            [GPU_TAINT, {"key": "team", "value": "ml", "effect": "NoExecute"}],
        ),
    ],
    ids=["cpu", "gpu", "arm64", "spot", "own"],
)
def test_taints(inputs: dict[str, Any], taints: list[dict[str, str]]) -> None:
    assert nodes.taints(inputs) == taints


@pytest.mark.parametrize(
    ("config", "labels"),
    [
        ({}, {"cloud.google.com/gke-provisioning": "standard"}),
        ({"spot": True}, {"cloud.google.com/gke-provisioning": "spot", "cloud.google.com/gke-spot": "true"}),
        ({"flexStart": True}, {"cloud.google.com/gke-flex-start": "true"}),
    ],
    ids=["standard", "spot", "flex-start"],
)
def test_labels_of_capacity(config: dict[str, Any], labels: dict[str, str]) -> None:
    found = nodes.labels(pool(**config), ZONE, "node")
    kinds = ("gke-provisioning", "gke-spot", "gke-flex-start")
    assert {key: value for key, value in found.items() if key.endswith(kinds)} == labels


def test_an_unknown_machine_is_named() -> None:
    with pytest.raises(RehearsalError, match=r"machine type z9-mega .* catalog/machines has no file z9-mega\.yaml"):
        nodes.node(pool("z9-mega"), ZONE, 0)


# By hand: 2 vCPUs keep 0.07 (6 % + 1 %), 4 keep 0.08; 8 GiB keep 1.8 and 16 GiB keep 2.6, and 100 MiB for eviction.
@pytest.mark.parametrize(("vcpus", "memory_gb", "cpu", "memory"), [(2, 8, 1930, 6249), (4, 16, 3920, 13622)])
def test_allocatable_follows_googles_formulas(vcpus: int, memory_gb: float, cpu: int, memory: int) -> None:
    found = node_sizes.allocatable({"diskSizeGb": 100}, vcpus, memory_gb)
    assert found == {"cpu": f"{cpu}m", "memory": f"{memory}Mi", "ephemeral-storage": "49Gi", "pods": "110"}


@pytest.mark.parametrize("machine", gpu_machines(), ids=lambda each: each.name)
def test_workers_for_all_gpus_fit_what_gke_leaves_of_a_node(machine: GpuMachine) -> None:
    """The catalog's shares of workers, against the formulas. Pods of GKE's daemons need the rest."""
    config = {"bootDisk": {"sizeGb": machine.boot_disk.size_gb}}
    free = {
        name: fitting.quantity(amount)
        for name, amount in node_sizes.allocatable(config, machine.vcpus, machine.memory_gb).items()
    }
    share = machine.worker_share
    assert share.cpu * machine.gpus.count <= free["cpu"] - 1
    assert fitting.quantity(f"{share.memory_gib * machine.gpus.count}Gi") <= free["memory"] - fitting.quantity("2Gi")


def nics(inputs: dict[str, Any], *, rdma: bool) -> int:
    return sum(
        device["attributes"]["dra.net/rdma"]["bool"] is rdma
        for each in devices.slices(inputs, "node")
        for device in each["spec"]["devices"]
    )


AUTO = {"acceleratorNetworkProfile": "auto"}
LABEL = {"cloud.google.com/gke-networking-dra-driver": "true"}


@pytest.mark.parametrize(
    ("inputs", "rdma", "ordinary"),
    [
        (pool(), 8, 1),
        ({**pool(), "networkConfig": AUTO}, 8, 1),
        ({**pool("a4x-highgpu-4g"), "networkConfig": AUTO}, 4, 1),
        ({**pool("a4x-maxgpu-4g-metal"), "networkConfig": AUTO}, 8, 1),
        ({**pool(), "networkConfig": {"additionalNodeNetworkConfigs": [{}] * 5}}, 4, 1),
        ({**pool(), "networkConfig": {}}, 0, 0),
        (pool(labels={"dynamo-gke/role": "decode"}), 0, 0),
        (pool("g2-standard-48", labels=LABEL), 0, 0),
        (pools()["system"], 0, 0),
    ],
    ids=["own networks", "auto", "a4x", "a4x max", "too few networks", "no networks", "no driver", "no NICs", "cpu"],
)
def test_a_node_publishes_the_nics_that_its_pool_connects(inputs: dict[str, Any], rdma: int, ordinary: int) -> None:
    assert (nics(inputs, rdma=True), nics(inputs, rdma=False)) == (rdma, ordinary)


def test_the_program_names_a_device_class_that_exists() -> None:
    templates = [each.inputs for each in recorded("prod").resources if each.type.endswith(":ResourceClaimTemplate")]
    wanted = {
        request["exactly"]["deviceClassName"]
        for template in templates
        for request in template["spec"]["spec"]["devices"]["requests"]
    }
    assert wanted
    assert wanted <= {each["metadata"]["name"] for each in devices.classes()}


def worker_pods(stack: str) -> dict[str, dict[str, Any]]:
    graphs = [each.inputs for each in recorded(stack).resources if each.type.endswith(":DynamoGraphDeployment")]
    return {part["name"]: part["podTemplate"] for graph in graphs for part in graph["spec"]["components"]}


@pytest.mark.parametrize("stack", ["prod", "staging"])
def test_each_worker_fits_the_nodes_of_one_pool_only(stack: str) -> None:
    """The program's own pods on the nodes of its own pools: one place for a worker, and no GPU node for others."""
    empty = {name: nodes.node(inputs, ZONE, 0) for name, inputs in pools(stack).items()}
    gpu_pools = {name for name, node in empty.items() if "nvidia.com/gpu" in node["status"]["allocatable"]}
    placed: dict[str, list[str]] = {}
    for component, pod in worker_pods(stack).items():
        placed[component] = [name for name, node in empty.items() if fitting.fits(pod, node, fitting.allocatable(node))]
    assert all(len(found) == 1 for found in placed.values()), placed
    used = {name for found in placed.values() for name in found}
    assert gpu_pools <= used


@pytest.mark.parametrize("machine", machine_goldens.MACHINES)
def test_each_worker_fits_its_own_pool_on_every_kind_of_machine(machine: str) -> None:
    """Taints of GPUs and of arm64, and what GKE leaves of the machine."""
    golden = yaml.safe_load((ROOT / "tests/golden" / f"{machine}.machine.yaml").read_text())
    for component, pod in golden["pods"].items():
        fitting_pools = [
            pool["name"]
            for pool in golden["gpuPools"]
            for node in nodes.of_pool({**pool, "cluster": "dynamo", "nodeCount": 1}, ZONE)
            if fitting.fits(pod, node, fitting.allocatable(node))
        ]
        assert fitting_pools == ([] if component == "frontend" else [component])
