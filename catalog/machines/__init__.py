"""Machine types as data: what a node has, how Google Cloud sells it, what it costs. One YAML file each in this folder.

A file with the key `gpus` is a GpuMachine, any other a CpuMachine.
"""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from catalog.formats import FormatUse
from reading import entries
from reading.errors import ConfigInvalid, one_of
from reading.frozen import Frozen

FOLDER = Path(__file__).parent

ACCELERATOR_LABEL = "cloud.google.com/gke-accelerator"
"""GKE's own label of every node with GPUs."""

ARCH_LABEL = "kubernetes.io/arch"

Count = Annotated[int, Field(ge=1)]

Arch = Literal["amd64", "arm64"]
"""As ARCH_LABEL has it."""

ON_DEMAND = "onDemand"
"""The capacity mode that CPU nodes are bought in, and whose price no other exceeds."""

CHANGES_DAILY = "changes daily"
"""The kind of a price that held on its date, and is no bound of tomorrow's."""


class BootDisk(Frozen):
    type: str
    """One that the machine boots from, such as hyperdisk-balanced."""
    size_gb: Count


class Price(Frozen):
    usd_per_hour: Annotated[float, Field(gt=0)]
    """For one node."""
    region: str
    date: str
    kind: Literal["list price", "single source, unverified", "changes daily"]
    source: str

    @property
    def holds(self) -> bool:
        """Whether it is still the price after its date."""
        return self.kind != CHANGES_DAILY


NAMED_ZONES = 9
"""Of all zones of a machine, so many are named in a message."""

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
    """The machine type in Compute Engine."""
    arch: Arch = "amd64"
    vcpus: Count
    memory_gb: Annotated[float, Field(gt=0)]
    boot_disk: BootDisk
    zones: tuple[str, ...] = ()
    """Zones where the machine was listed, or a region where its zones are not known; empty: everywhere."""
    prices: dict[str, Price] = {}
    """By capacity mode."""

    def upper_bound(self, mode: str) -> Price | None:
        """The price of a node bought in that mode, or one that it never exceeds: spot changes daily, and is sold below
        the price on demand. None where neither is known."""
        price = self.prices.get(mode)
        return price if price and price.holds else self.prices.get(ON_DEMAND)

    def listed_in(self, region: str, zone: str) -> bool:
        return not self.zones or zone in self.zones or region in self.zones

    def nearest_zones(self, region: str) -> tuple[str, ...]:
        """Where it was listed, the nearest to a region first."""
        continent = region.partition("-")[0]
        return tuple(
            sorted(
                self.zones,
                key=lambda zone: (not zone.startswith(f"{region}-"), not zone.startswith(f"{continent}-"), zone),
            )
        )

    def listed_near(self, region: str) -> str:
        """The nearest of those as a clause."""
        near, more = self.nearest_zones(region)[:NAMED_ZONES], len(self.zones) - NAMED_ZONES
        return ", ".join(near) + (f" and {more} more" if more > 0 else "")


class CpuMachine(_Machine):
    """A machine of the system pool: for the platform, frontends and simulated workers."""


class Gpus(Frozen):
    type: str
    """The accelerator's name in GKE, and the value of ACCELERATOR_LABEL on its nodes."""
    product: str
    """What people call the GPU, in messages."""
    count: Count
    """Of a node."""
    memory_mib: Count
    """Usable memory of one GPU, MiB."""
    compute_capability: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]$", description="such as 9.0")]
    """NVIDIA's number of the GPU's generation, by which engines choose kernels."""
    formats: dict[str, Literal["native", "weightOnly"]] | None = None
    """Number formats that models may have on it, where engines can do less there than its compute capability says."""

    def limited(self, name: str, use: FormatUse) -> FormatUse:
        """What an engine makes of a format, `use`, where the machine's file does not allow less."""
        if self.formats is None or use is FormatUse.REFUSED:
            return use
        if name not in self.formats:
            return FormatUse.REFUSED
        return FormatUse.WEIGHT_ONLY if self.formats[name] == "weightOnly" else use


class RdmaNics(Frozen):
    count: Count
    """Of a node."""
    gbps: Count
    """Line rate of one, Gb/s."""
    network_profile: Annotated[str, Field(pattern=r"\{zone\}", description="a network profile's name with {zone}")]
    """The network profile of their VPC; `{zone}` stands for the nodes' zone. NICs of one profile reach each other."""
    mtu: Count
    """Of their VPC, bytes."""
    second_gvnic: bool = False
    """Whether a node has a second ordinary NIC before them, which needs a network of its own, too."""
    modes: Annotated[tuple[str, ...], Field(min_length=1)]
    """The RDMA modes that hand them to pods."""


class Quota(Frozen):
    """A quota of Compute Engine as Cloud Quotas names it."""

    id: str
    dimensions: dict[str, str] = {}
    """Besides the region."""


class Offer(Frozen):
    """How Google Cloud sells a machine in one capacity mode."""

    quota: Quota | None = None
    """What its GPUs count against; None where capacity is granted together with its quota."""
    over_all_regions: Quota | None = None
    """A second quota that they count against together with GPUs of other regions."""
    note: str | None = None
    """What a buyer is warned of: the rest of a sentence that begins with the machine's name."""


class WorkerShare(Frozen):
    """What a worker pod requests for each of its GPUs, so that those of a node leave room for its own daemons."""

    cpu: Count
    memory_gib: Count


class GpuMachine(_Machine):
    """A machine of GPU pools."""

    gpus: Gpus
    rdma: RdmaNics | None = None
    """None for nodes without RDMA."""
    local_ssds: Annotated[int, Field(ge=0)] = 0
    """As many devices as the API reports."""
    worker_share: WorkerShare
    whole_node_workers: bool = False
    """Whether a worker must have all GPUs and NICs of its node."""
    compact_placement: bool = True
    """Whether nodes can be asked for close together."""
    min_gke: (
        Annotated[
            str,
            Field(
                pattern=r"^[0-9]+\.[0-9]+\.[0-9]+-gke\.[0-9]+$", description="a GKE version such as 1.34.1-gke.1829001"
            ),
        ]
        | None
    ) = None
    """The first GKE version that has the machine; None where that is older than any that Dynamo runs on."""
    min_driver: (
        Annotated[str, Field(pattern=r"^R[0-9]+([.][0-9]+)*$", description="an NVIDIA driver such as R580")] | None
    ) = None
    """The first NVIDIA driver for its GPUs; None where Dynamo itself needs a newer one."""
    not_created: tuple[str, ...] = ()
    """What its nodes need and this program does not create: noun phrases. With any, a stack on it is rendered only."""
    sold: Annotated[dict[str, Offer], Field(min_length=1)]
    """By capacity mode. One that is not here is not sold."""

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
    """All of the folder, for what one file alone does not say."""
    return tuple(map(gpu_machine, gpu_machine_names()))


def cpu_machine_names() -> tuple[str, ...]:
    return tuple(name for name in entries.names(FOLDER) if not _has_gpus(name))


@cache
def _has_gpus(name: str) -> bool:
    text = entries.path_of(FOLDER, name).read_text(encoding="utf-8", errors="replace")
    return re.search(r"^gpus\s*:", text, re.MULTILINE) is not None


@cache
def gpu_machine(name: str) -> GpuMachine:
    """The machine of that name. Raises FileNotFoundError without a file, ConfigInvalid with every error in it."""
    return entries.entry(GpuMachine, FOLDER, name)


@cache
def cpu_machine(name: str) -> CpuMachine:
    """The machine of that name. Raises FileNotFoundError without a file, ConfigInvalid with every error in it."""
    return entries.entry(CpuMachine, FOLDER, name)


def with_accelerator(accelerator: str) -> tuple[GpuMachine, ...]:
    """The machines whose GPUs GKE knows by that name. A file with errors has none: whoever names it is told of them."""
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
    """`given`, where it names a machine for workers. Raises ValueError, which says why not."""
    if not _has_gpus(entries.named(given, gpu_machine_names())):
        raise ValueError(f"{given} has no key gpus, so it is no machine for workers")
    return given


def _of_cpus(name: str) -> str:
    if name not in cpu_machine_names():
        raise ValueError(one_of(name, cpu_machine_names()))
    return name


GpuMachineName = Annotated[str, AfterValidator(gpu_machine_name)]
"""A machine of the catalog, or a file of the user's that describes one and is named after the machine type."""
CpuMachineName = Annotated[str, AfterValidator(_of_cpus)]
