"""How KV cache gets from prefill to decode, and the ways in which RDMA NICs reach pods: one file each, in `MODES`."""

from enum import StrEnum

from catalog.rdma.dranet import Dranet
from catalog.rdma.dranet_auto import DranetAuto
from catalog.rdma.mode import RdmaMode
from catalog.rdma.multi_network import MultiNetwork
from catalog.rdma.none import NoRdma

__all__ = ["MODES", "NAMES", "NO_RDMA", "UCX_TCP", "KvTransfer", "RdmaMode", "rdma_mode"]


class KvTransfer(StrEnum):
    """What KV cache moves over between the pods of one deployment; verification accepts nothing else."""

    RDMA = "rdma"
    """The NICs of the nodes, one a GPU. Also between pods of one node, since NVLink does not work between pods."""
    TCP = "tcp"
    """The pod network. For trials only: NVIDIA's guide gives 98 s to the first token, where RDMA takes 0.2 to 0.5 s."""


# UCX_TLS of workers whose KV cache is to move over TCP and nothing else.
UCX_TCP = "cuda_copy,tcp"

NO_RDMA = NoRdma()
"""Of a plan without GPU nodes."""

MODES: tuple[RdmaMode, ...] = (
    Dranet(),
    DranetAuto(),
    MultiNetwork(),
    NO_RDMA,
)

NAMES = tuple(mode.name for mode in MODES)


def rdma_mode(name: str) -> RdmaMode:
    """The mode of that name. Raises KeyError for one that is not in MODES; settings hold no other."""
    return {mode.name: mode for mode in MODES}[name]
