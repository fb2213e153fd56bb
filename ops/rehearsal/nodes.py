"""The Node objects that GKE would create for a node pool, from the inputs of the pool's resource. Pure.

Labels and taints are those that Google's documentation and public listings of real nodes show and pods may select. Not
shown: labels with topology of the data center, deprecated labels, and daemons of GKE, so a simulated node offers a
little more room than a real one. Unverified: that GKE taints a GPU pool only if the cluster has another pool, which is
always assumed here, and that spot and flex-start pools get no taint of their own.

With multi-networking, GKE's controllers add `networking.gke.io.networks/NAME.IP` for each Network object to the nodes'
resources, and its webhook adds requests for them to pods. Neither exists here, so the nodes show nothing of it.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from catalog.machines import (
    CpuMachine,
    GpuMachine,
    cpu_machine,
    cpu_machine_names,
    gpu_machine,
    gpu_machine_names,
)
from ops.rehearsal import node_sizes
from ops.rehearsal.errors import RehearsalError

# GKE's names, written here once more and not read from the program, so that a label that the program gets wrong selects
# no node in a rehearsal.
NODE_POOL = "cloud.google.com/gke-nodepool"
ACCELERATOR_LABEL = "cloud.google.com/gke-accelerator"
ARCH_LABEL = "kubernetes.io/arch"

Inputs = Mapping[str, Any]
"""Inputs of a gcp NodePool, in the provider's names."""
Node = dict[str, Any]

FAKE_NODE = {"kwok.x-k8s.io/node": "fake"}
"""Annotation of the nodes that kwok keeps ready, and whose pods it starts."""
# Effects in the provider's words → in Kubernetes' words.
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
# A host name's 63 characters less the two hashes at its end.
_PREFIX_CHARACTERS = 49


def of_pool(inputs: Inputs, zone: str) -> list[Node]:
    """The nodes with which a new pool begins in one of its zones. Both counts of the provider are counts per zone."""
    return [node(inputs, zone, number) for number in range(first_nodes(inputs))]


def first_nodes(inputs: Inputs) -> int:
    """Nodes of a new pool in each of its zones."""
    fixed = inputs.get("nodeCount")
    return int(inputs.get("initialNodeCount") or 0) if fixed is None else int(fixed)


def node(inputs: Inputs, zone: str, number: int) -> Node:
    """The node of that number in the pool. The same number always gives the same name."""
    config = inputs["nodeConfig"]
    hardware = machine_of(inputs)
    name = _name(inputs, zone, number)
    sizes = (config, hardware.vcpus, hardware.memory_gb)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels(inputs, zone, name), "annotations": dict(FAKE_NODE)},
        "spec": {
            "providerID": f"gce://{inputs['project']}/{zone}/{name}",
            **({"taints": found} if (found := taints(inputs)) else {}),
        },
        "status": {
            "capacity": node_sizes.capacity(*sizes),
            "allocatable": node_sizes.allocatable(*sizes),
            "nodeInfo": _node_info(hardware.arch),
        },
    }


def machine_of(inputs: Inputs) -> GpuMachine | CpuMachine:
    """The pool's machine. Raises RehearsalError for a machine type without a file in the catalog."""
    name = inputs["nodeConfig"]["machineType"]
    if name in gpu_machine_names():
        return gpu_machine(name)
    if name in cpu_machine_names():
        return cpu_machine(name)
    raise RehearsalError(f"nodes of machine type {name} cannot be simulated: catalog/machines has no file {name}.yaml")


def labels(inputs: Inputs, zone: str, name: str) -> dict[str, str]:
    """Labels of a node, with the pool's own."""
    config = inputs["nodeConfig"]
    hardware = machine_of(inputs)
    region = zone.rpartition("-")[0]
    return {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        ARCH_LABEL: hardware.arch,
        "node.kubernetes.io/instance-type": hardware.name,
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": zone,
        "topology.gke.io/zone": zone,
        NODE_POOL: inputs["name"],
        "cloud.google.com/machine-family": hardware.name.partition("-")[0],
        "cloud.google.com/gke-container-runtime": "containerd",
        "cloud.google.com/gke-os-distribution": "cos",
        "cloud.google.com/gke-max-pods-per-node": str(node_sizes.MAX_PODS),
        "iam.gke.io/gke-metadata-server-enabled": "true",
        **_capacity_labels(config),
        **_gpu_labels(config),
        **_network_labels(inputs),
        **{name: str(value) for name, value in config.get("labels", {}).items()},
    }


def taints(inputs: Inputs) -> list[dict[str, str]]:
    """Taints of a node: GKE's, which keep pods without toleration from GPUs and from arm64, and the pool's own."""
    config = inputs["nodeConfig"]
    found: list[dict[str, str]] = []
    if config.get("guestAccelerators"):
        found.append({"key": node_sizes.GPU_RESOURCE, "value": "present", "effect": "NoSchedule"})
    if machine_of(inputs).arch == "arm64":
        found.append({"key": ARCH_LABEL, "value": "arm64", "effect": "NoSchedule"})
    own = config.get("taints", [])
    return found + [
        {"key": each["key"], "value": each.get("value", ""), "effect": _EFFECTS[each["effect"]]} for each in own
    ]


def _capacity_labels(config: Mapping[str, Any]) -> dict[str, str]:
    if config.get("spot"):
        return {"cloud.google.com/gke-provisioning": "spot", "cloud.google.com/gke-spot": "true"}
    if config.get("flexStart"):
        return {"cloud.google.com/gke-flex-start": "true"}
    return {"cloud.google.com/gke-provisioning": "standard"}


def _gpu_labels(config: Mapping[str, Any]) -> dict[str, str]:
    ssd = {"cloud.google.com/gke-ephemeral-storage-local-ssd": "true"}
    found = ssd if config.get("ephemeralStorageLocalSsdConfig") else {}
    for gpus in config.get("guestAccelerators", []):
        found |= {
            ACCELERATOR_LABEL: gpus["type"],
            "cloud.google.com/gke-accelerator-count": str(int(gpus["count"])),
        }
        if driver := gpus.get("gpuDriverInstallationConfig", {}).get("gpuDriverVersion"):
            found["cloud.google.com/gke-gpu-driver-version"] = driver.lower()
    return found


def _network_labels(inputs: Inputs) -> dict[str, str]:
    network = inputs.get("networkConfig", {})
    found = {"cloud.google.com/private-node": "true"} if network.get("enablePrivateNodes") else {}
    if profile := network.get("acceleratorNetworkProfile"):
        found["gke.networks.io/accelerator-network-profile"] = profile
    return found


def _name(inputs: Inputs, zone: str, number: int) -> str:
    cluster = str(inputs["cluster"]).rpartition("/")[2]
    prefix = f"gke-{cluster}-{inputs['name']}"[:_PREFIX_CHARACTERS].rstrip("-")
    pool = "/".join((cluster, inputs["name"], zone))
    return f"{prefix}-{_hash(pool)[:8]}-{_hash(f'{pool}/{number}')[:4]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _node_info(arch: str) -> dict[str, str]:
    """Fields that the API server requires; the values of version and kernel are those of no real node."""
    unknown = ("bootID", "kernelVersion", "kubeProxyVersion", "kubeletVersion", "machineID", "systemUUID")
    return {
        **dict.fromkeys(unknown, "rehearsal"),
        "architecture": arch,
        "containerRuntimeVersion": "containerd://rehearsal",
        "operatingSystem": "linux",
        "osImage": "Container-Optimized OS from Google",
    }
