"""Machine types as data: hardware of a node, how Google Cloud sells it, prices. One YAML file each in this folder.

A file with the key `gpus` is a GpuMachine, any other a CpuMachine.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from catalog import locations
from catalog.formats import FormatUse
from reading import entries
from reading.catalog_names import NameOf
from reading.errors import ConfigInvalid, one_of
from reading.frozen import Frozen

FOLDER = Path(__file__).parent

ACCELERATOR_LABEL = "cloud.google.com/gke-accelerator"
"""GKE's label of every node with GPUs."""

GPU_RESOURCE = "nvidia.com/gpu"
"""Kubernetes' name of GPUs in a pod's resources; its nodes have a taint of the same name."""

ARCH_LABEL = "kubernetes.io/arch"

Count = Annotated[int, Field(ge=1)]

Arch = Literal["amd64", "arm64"]
"""CPU architecture, as a value of ARCH_LABEL."""

ON_DEMAND = "onDemand"
"""The capacity mode of CPU nodes, with the highest price of all modes."""

CHANGES_DAILY = "changes daily"
"""The kind of a price that was valid on its date and may rise any day."""


class BootDisk(Frozen):
    type: str
    """A disk type that the machine can boot from, such as hyperdisk-balanced."""
    size_gb: Count


class Price(Frozen):
    usd_per_hour: Annotated[float, Field(gt=0)]
    """US dollars per hour for one node."""
    region: str
    date: str
    kind: Literal["list price", "single source, unverified", "changes daily"]
    source: str
    covers: str | None = None
    """The part of a node that the price covers, such as `GPUs only`; None for the whole node."""

    @property
    def described(self) -> str:
        return ", ".join(part for part in (self.kind, self.covers, self.region, self.date) if part)

    @property
    def holds(self) -> bool:
        """Whether the price stays valid after its date."""
        return self.kind != CHANGES_DAILY


NAMED_ZONES = 9
"""Max zones of a machine that a message names."""


def first_of(zones: Sequence[str]) -> str:
    """Zones, or regions where the zones are unknown, for a message, which names a few of many."""
    near, more = zones[:NAMED_ZONES], len(zones) - NAMED_ZONES
    regions = "zones of " if set(near) <= set(locations.known().zones) else ""
    return regions + ", ".join(near) + (f" and {more} more" if more > 0 else "")


MachineType = Annotated[
    str,
    Field(
        pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="a machine type, which the file is named after: lower-case letters, digits and dashes",
        examples=["n4-standard-8"],
    ),
]


class _Machine(Frozen):
    name: MachineType
    """Machine type in Compute Engine."""
    arch: Arch = "amd64"
    vcpus: Count
    memory_gb: Annotated[float, Field(gt=0)]
    boot_disk: BootDisk
    zones: tuple[str, ...] = ()
    """Zones that list the machine, or regions where the zones are unknown; empty: everywhere."""
    prices: dict[str, Price] = {}
    """Capacity mode → price."""

    def upper_bound(self, mode: str, *, below_on_demand: bool) -> Price | None:
        """The price of a node bought in that mode, or a price that it never exceeds; None where neither is known.

        `below_on_demand`: whether the mode never costs more than on demand. Spot prices change daily, but stay below.
        """
        price = self.prices.get(mode)
        if price and price.holds:
            return price
        return self.prices.get(ON_DEMAND) if below_on_demand else None

    def listed_in(self, region: str, zone: str) -> bool:
        return not self.zones or zone in self.zones or region in self.zones

    def nearest_zones(self, region: str) -> tuple[str, ...]:
        """Zones that list the machine, the nearest to a region first."""
        return locations.nearest(self.zones, region)

    def listed_near(self, region: str) -> str:
        """A clause that names the nearest zones."""
        return first_of(self.nearest_zones(region))


class CpuMachine(_Machine):
    """A machine of the system pool: for the platform, frontends and simulated workers."""


class Gpus(Frozen):
    type: str
    """The accelerator's name in GKE, and the value of ACCELERATOR_LABEL on its nodes."""
    product: str
    """The GPU's common name, for messages."""
    count: Count
    """GPUs of a node."""
    memory_mib: Count
    """Usable memory of one GPU, MiB."""
    compute_capability: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]$", description="such as 9.0")]
    """NVIDIA's number of the GPU's generation. Engines choose kernels by it."""
    formats: dict[str, Literal["native", "weightOnly"]] | None = None
    """Allowed number formats of models, where engines support fewer than the compute capability suggests."""

    @property
    def generation(self) -> str:
        """The major number of the compute capability, such as 9."""
        return self.compute_capability.partition(".")[0]

    def limited(self, name: str, use: FormatUse) -> FormatUse:
        """An engine's use of a format, `use`, limited to `formats` of the machine's file."""
        if self.formats is None or use is FormatUse.REFUSED:
            return use
        if name not in self.formats:
            return FormatUse.REFUSED
        return FormatUse.WEIGHT_ONLY if self.formats[name] == "weightOnly" else use


class RdmaNics(Frozen):
    count: Count
    """NICs of a node."""
    gbps: Count
    """Line rate of one NIC, Gb/s."""
    network_profile: Annotated[str, Field(pattern=r"\{zone\}", description="a network profile's name with {zone}")]
    """Network profile of the NICs' VPC, with `{zone}` for the nodes' zone. NICs of one profile reach each other."""
    mtu: Count
    """MTU of the NICs' VPC, bytes."""
    second_gvnic: bool = False
    """Whether a node has a second ordinary NIC before its RDMA NICs, which needs its own network."""
    modes: Annotated[tuple[str, ...], Field(min_length=1)]
    """RDMA modes that work with the NICs."""


class Quota(Frozen):
    """A Compute Engine quota, as Cloud Quotas names it."""

    id: str
    dimensions: dict[str, str] = {}
    """Dimensions in addition to the region."""


class Offer(Frozen):
    """How Google Cloud sells a machine in one capacity mode."""

    quota: Quota | None = None
    """Quota that the GPUs count against; None where the grant of capacity includes quota."""
    over_all_regions: Quota | None = None
    """A second quota that the GPUs count against, together with GPUs of other regions."""
    note: str | None = None
    """A warning: the rest of a sentence that begins with the machine's name."""


class WorkerShare(Frozen):
    """Resource requests of a worker pod per GPU. The pods of a full node leave room for the node's daemons."""

    cpu: Count
    memory_gib: Count


class GpuMachine(_Machine):
    """A machine of GPU pools."""

    gpus: Gpus
    rdma: RdmaNics | None = None
    """None for nodes without RDMA."""
    local_ssds: Annotated[int, Field(ge=0)] = 0
    """Local SSD devices that the API reports."""
    worker_share: WorkerShare
    whole_node_workers: bool = False
    """Whether a worker must use all GPUs and NICs of its node."""
    compact_placement: bool = True
    """Whether the machine supports compact placement."""
    pool_autoscaling: bool = True
    """Whether GKE can add and remove nodes of a pool."""
    needs_dataplane_v2: bool = False
    """Whether GKE refuses pools of the machine in a cluster without Dataplane V2, with or without RDMA."""
    min_gke: (
        Annotated[
            str,
            Field(
                pattern=r"^[0-9]+\.[0-9]+\.[0-9]+-gke\.[0-9]+$", description="a GKE version such as 1.34.1-gke.1829001"
            ),
        ]
        | None
    ) = None
    """Min GKE version with the machine; None where every version that Dynamo supports has it."""
    min_driver: (
        Annotated[str, Field(pattern=r"^R[0-9]+([.][0-9]+)*$", description="an NVIDIA driver such as R580")] | None
    ) = None
    """Min NVIDIA driver for the GPUs; None where Dynamo itself needs a newer one."""
    not_created: tuple[str, ...] = ()
    """Noun phrases: things that the nodes need but this program does not create. Such stacks can only be rendered."""
    sold: Annotated[dict[str, Offer], Field(min_length=1)]
    """Capacity mode → offer. The machine is not sold in other modes."""

    @property
    def rdma_nics(self) -> int:
        return self.rdma.count if self.rdma else 0

    def nics_for(self, gpus: int) -> int:
        """RDMA NICs of a worker with that many of the node's GPUs: its share, in whole NICs."""
        return self.rdma_nics * gpus // self.gpus.count


def driver_order(driver: str) -> tuple[int, ...]:
    """A key that sorts drivers such as R580 and R580.95.05 by age."""
    return tuple(int(part) for part in driver.removeprefix("R").split("."))


def gpu_machine_names() -> tuple[str, ...]:
    return tuple(name for name in entries.names(FOLDER) if _has_gpus(name))


def gpu_machines() -> tuple[GpuMachine, ...]:
    """All GPU machines of this folder, for questions that no single file answers."""
    return tuple(map(gpu_machine, gpu_machine_names()))


def cpu_machine_names() -> tuple[str, ...]:
    return tuple(name for name in entries.names(FOLDER) if not _has_gpus(name))


def file_of(name: str) -> str:
    """The file of a machine as errors name it."""
    return entries.file_of(FOLDER, name)


@cache
def _has_gpus(name: str) -> bool:
    text = entries.path_of(FOLDER, name).read_text(encoding="utf-8", errors="replace")
    return re.search(r"^gpus\s*:", text, re.MULTILINE) is not None


@cache
def gpu_machine(name: str) -> GpuMachine:
    """The GPU machine of that name. Raises FileNotFoundError without a file, ConfigInvalid with every error in it."""
    return entries.entry(GpuMachine, FOLDER, name)


@cache
def cpu_machine(name: str) -> CpuMachine:
    """The CPU machine of that name. Raises FileNotFoundError without a file, ConfigInvalid with every error in it."""
    return entries.entry(CpuMachine, FOLDER, name)


def with_accelerator(accelerator: str) -> tuple[GpuMachine, ...]:
    """The machines with GPUs of that GKE name. Skips files with errors, which are reported where a stack names them."""
    found: list[GpuMachine] = []
    for name in gpu_machine_names():
        try:
            node = gpu_machine(name)
        except ConfigInvalid:
            continue
        if node.gpus.type == accelerator:
            found.append(node)
    return tuple(found)


def gpu_machine_name(given: str) -> str:
    """`given`, if it names a GPU machine. Raises ValueError, which says why it does not."""
    found = entries.named(given, gpu_machine_names())
    if not _has_gpus(found):
        raise ValueError(f"{given} has no key gpus, so it is no machine for workers")
    return found


def _of_cpus(name: str) -> str:
    if name not in cpu_machine_names():
        raise ValueError(one_of(name, cpu_machine_names()))
    return name


def _gpus_of_each() -> dict[str, str]:
    found = {name: gpu_machine(name).gpus for name in gpu_machine_names()}
    return {
        name: f"{gpus.count} × {gpus.product}, {gpus.memory_mib / 1024:.0f} GiB each" for name, gpus in found.items()
    }


def _size_of_each() -> dict[str, str]:
    found = {name: cpu_machine(name) for name in cpu_machine_names()}
    return {name: f"{node.vcpus} vCPUs, {node.memory_gb:g} GB" for name, node in found.items()}


GpuMachineName = Annotated[str, AfterValidator(gpu_machine_name), NameOf(_gpus_of_each, file="./machines/ours.yaml")]
"""A machine of the catalog, or the path of a user's own machine file, named after the machine type."""
CpuMachineName = Annotated[str, AfterValidator(_of_cpus), NameOf(_size_of_each)]
