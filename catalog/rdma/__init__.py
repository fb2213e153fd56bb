"""Transports of KV cache, and the RDMA modes, which are ways to give RDMA NICs to pods: one file each, in `MODES`."""

from collections.abc import Collection, Iterable
from enum import StrEnum

from catalog.rdma.dranet import Dranet
from catalog.rdma.dranet_auto import DranetAuto
from catalog.rdma.mode import RdmaMode
from catalog.rdma.multi_network import MultiNetwork
from catalog.rdma.none import NoRdma

__all__ = ["MODES", "NAMES", "NO_RDMA", "KvTransfer", "RdmaMode", "modes_of", "rdma_mode"]


class KvTransfer(StrEnum):
    """The transport of KV cache between the pods of one deployment. Verification accepts no other."""

    RDMA = "rdma"
    """The nodes' RDMA NICs, one per GPU. Also between pods of one node, because NVLink does not work between pods."""
    TCP = "tcp"
    """The pod network, for trials only: NVIDIA's guide reports 98 s to the first token, and 0.2 to 0.5 s with RDMA."""


NO_RDMA = NoRdma()
"""The RDMA mode of a plan without GPU nodes."""

MODES: tuple[RdmaMode, ...] = (
    Dranet(),
    DranetAuto(),
    MultiNetwork(),
    NO_RDMA,
)

NAMES = tuple(mode.name for mode in MODES)


def rdma_mode(name: str) -> RdmaMode:
    """The mode of that name. Raises KeyError for a name that is not in MODES; validated settings have no other."""
    return {mode.name: mode for mode in MODES}[name]


def modes_of(listed: Iterable[Collection[str]]) -> tuple[RdmaMode, ...]:
    """The modes that give pods the NICs of every machine of a stack. `listed`: the modes of each machine with NICs."""
    of_machines = list(listed)
    return tuple(mode for mode in MODES if mode.carries and all(mode.name in names for names in of_machines))
