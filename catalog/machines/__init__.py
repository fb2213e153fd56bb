"""Node shapes as data: what a machine has and what it costs. One file each in machines/."""

from functools import cache
from pathlib import Path
from typing import Literal

from catalog.capacity import CapacityMode
from reading import entries
from reading.frozen import Frozen

FOLDER = Path(__file__).parent

# What prefill and decode pools are made of.
GPU_MACHINE = "a3-ultragpu-8g"


class Gpus(Frozen):
    type: str
    """The accelerator's name in GKE, also the value of the node label `cloud.google.com/gke-accelerator`."""
    count: int
    memory_mib: int
    """Usable memory of one GPU, MiB."""


class Price(Frozen):
    usd_per_hour: float
    """For one node."""
    region: str
    date: str
    kind: Literal["list price", "single source, unverified"]
    source: str


class WorkerShare(Frozen):
    """What a worker pod requests for each of its GPUs, so that eight of them leave room for the node's own daemons."""

    cpu: int
    memory_gib: int


class Machine(Frozen):
    name: str
    vcpus: int
    memory_gb: float
    boot_disk: str
    gpus: Gpus | None = None
    rdma_nics: int = 0
    nic_gbps: int = 0
    """Line rate of one RDMA NIC, Gb/s."""
    local_ssds: int = 0
    worker_share: WorkerShare | None = None
    zones: tuple[str, ...] = ()
    """Zones where the machine was listed; empty: everywhere."""
    prices: dict[CapacityMode, Price] = {}

    def upper_bound(self, mode: CapacityMode) -> Price | None:
        """The price of a node bought in that way, or one that it never exceeds: spot changes daily, and is sold below
        the price on demand. None where neither is known."""
        return self.prices.get(mode) or self.prices.get(CapacityMode.ON_DEMAND)


def machine_names(*, with_gpus: bool) -> tuple[str, ...]:
    return tuple(name for name in entries.names(FOLDER) if (machine(name).gpus is not None) is with_gpus)


@cache
def machine(name: str) -> Machine:
    """The machine of that name. Raises FileNotFoundError without a file, ConfigInvalid with every error in it."""
    return entries.entry(Machine, FOLDER, name)
