"""Capacity and allocatable resources of a node, by the formulas on Google's page about node sizes. Pure.

Unverified for the GPU machines: nobody published what their nodes report. The kernel's own share of the memory is not
subtracted, the device plugin's resources are counted as if no GPU were broken, and Local SSDs are counted with the size
that all machines but those with Grace CPUs have.
"""

from collections.abc import Mapping
from typing import Any

GPU_RESOURCE = "nvidia.com/gpu"
"""Of NVIDIA's device plugin. Not read from the program, as `nodes` says."""
# GKE's default; the program's clusters and pools set no other.
MAX_PODS = 110
LOCAL_SSD_GIB = 375

MIB_PER_GIB = 1024
EVICTION_MIB = 100
"""Free memory below which the kubelet evicts pods."""
# (size of the step, share that GKE reserves for its daemons); the last step has no end.
_CPU_STEPS = ((1, 0.06), (1, 0.01), (2, 0.005), (float("inf"), 0.0025))
_MEMORY_GIB_STEPS = ((4, 0.25), (4, 0.20), (8, 0.10), (112, 0.06), (float("inf"), 0.02))


def capacity(node_config: Mapping[str, Any], vcpus: int, memory_gb: float) -> dict[str, str]:
    """All resources of a node with the given `nodeConfig` of its pool."""
    return {
        "cpu": str(vcpus),
        "memory": f"{round(memory_gb * MIB_PER_GIB)}Mi",
        "ephemeral-storage": f"{_storage_gib(node_config)}Gi",
        "pods": str(MAX_PODS),
        **_gpus(node_config),
    }


def allocatable(node_config: Mapping[str, Any], vcpus: int, memory_gb: float) -> dict[str, str]:
    """The part of `capacity` that pods can request."""
    reserved_mib = reserved_memory_gib(memory_gb) * MIB_PER_GIB + EVICTION_MIB
    return {
        **capacity(node_config, vcpus, memory_gb),
        "cpu": f"{round(vcpus * 1000 - reserved_cpus(vcpus) * 1000)}m",
        "memory": f"{round(memory_gb * MIB_PER_GIB - reserved_mib)}Mi",
        "ephemeral-storage": f"{int(_storage_gib(node_config) * 0.9 - _reserved_storage_gib(node_config))}Gi",
    }


def reserved_cpus(vcpus: float) -> float:
    return _reserved(vcpus, _CPU_STEPS)


def reserved_memory_gib(memory_gib: float) -> float:
    return _reserved(memory_gib, _MEMORY_GIB_STEPS)


def _reserved(amount: float, steps: tuple[tuple[float, float], ...]) -> float:
    reserved = 0.0
    for size, share in steps:
        part = min(amount, size)
        reserved += part * share
        amount -= part
    return reserved


def _local_ssds(node_config: Mapping[str, Any]) -> int:
    return int(node_config.get("ephemeralStorageLocalSsdConfig", {}).get("localSsdCount", 0))


def _storage_gib(node_config: Mapping[str, Any]) -> int:
    """Pods' storage is on the Local SSDs, if the node has some, else on the boot disk."""
    boot_disk = node_config.get("bootDisk", {}).get("sizeGb") or node_config.get("diskSizeGb") or 100
    return _local_ssds(node_config) * LOCAL_SSD_GIB or int(boot_disk)


def _reserved_storage_gib(node_config: Mapping[str, Any]) -> float:
    """GKE's own share, beside a tenth below which the kubelet evicts pods."""
    if ssds := _local_ssds(node_config):
        return {1: 50, 2: 75}.get(ssds, 100)
    disk = _storage_gib(node_config)
    return min(disk * 0.5, 6 + disk * 0.35, 100)


def _gpus(node_config: Mapping[str, Any]) -> dict[str, str]:
    count = sum(int(each["count"]) for each in node_config.get("guestAccelerators", []))
    return {GPU_RESOURCE: str(count)} if count else {}
