"""RdmaMode, the interface of a way in which the RDMA NICs of a node get their networks and reach pods."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from catalog.contracts import KvMover, NicRequest
from catalog.gke_versions import Floor
from reading.errors import Error


class RdmaMode(ABC):
    """One way, because ways exclude each other: a pool has either kind of networks, a NIC one way to a pod.

    One subclass per file in this folder, listed in `MODES`. The class variables with a default say what a mode shares
    with most others.
    """

    name: ClassVar[str]
    """As stack files have it, in camelCase."""
    min_gke: ClassVar[Floor | None] = None
    """The oldest GKE version with this mode; None where every version has it."""

    carries: ClassVar[bool] = True
    """Whether pods get RDMA NICs at all."""
    own_networks: ClassVar[bool] = False
    """Whether the stack creates the networks of the NICs and names them on its node pools."""
    network_objects: ClassVar[bool] = False
    """Whether pods name those networks, which the cluster must then have as objects."""
    multi_networking: ClassVar[bool] = False
    """Whether the cluster must be created for nodes with more than one network."""
    accelerator_network_profile: ClassVar[str | None] = None
    """The profile of a node pool by which GKE itself creates and owns the networks; never beside `own_networks`."""
    node_labels: ClassVar[Mapping[str, str]] = {}
    """Labels of nodes without which their NICs are not offered to pods."""
    capabilities: ClassVar[tuple[str, ...]] = ("IPC_LOCK", "SYS_RESOURCE")
    """Linux capabilities that a worker's container adds: RDMA pins memory, and for that raises its limit."""
    agent_roles: ClassVar[Sequence[str]] = ()
    """Roles in the project that GKE's own account needs in addition to those that it has from the start."""

    def __str__(self) -> str:
        return self.name

    @abstractmethod
    def worker(self, nics: int, interfaces: Mapping[str, str]) -> NicRequest:
        """What a worker pod asks for to get `nics` RDMA NICs.

        `interfaces`: interface of the pod → network object, for each RDMA NIC of a node.
        """

    def errors(self, mover: KvMover) -> Iterator[Error]:
        """Why pods of a deployment that moves KV cache by RDMA would get no NICs, or not their own."""
        del mover
        yield from ()

    def warnings(self) -> Iterator[str]:
        """What to think of before a stack with GPU nodes is created in this mode."""
        yield from ()
