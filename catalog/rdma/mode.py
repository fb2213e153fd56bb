"""`RdmaMode`, the interface of a way to connect a node's RDMA NICs to networks and give them to pods."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from catalog.contracts import KvMover, NicRequest
from catalog.gke_versions import Floor
from reading.errors import Error


class RdmaMode(ABC):
    """A way to connect a node's RDMA NICs to networks and give them to pods. Modes exclude each other.

    One subclass per file in this folder, listed in `MODES`. The defaults of class variables hold for most modes.
    """

    name: ClassVar[str]
    """Name in stack files, in camelCase."""
    min_gke: ClassVar[Floor | None] = None
    """Min GKE version of this mode; None where every version has it."""

    carries: ClassVar[bool] = True
    """Whether pods get RDMA NICs at all."""
    own_networks: ClassVar[bool] = False
    """Whether the stack creates the networks of the NICs and names them on its node pools."""
    network_objects: ClassVar[bool] = False
    """Whether pods name the networks, which the cluster must then have as Network objects."""
    multi_networking: ClassVar[bool] = False
    """Whether the cluster must be created with multi-networking."""
    accelerator_network_profile: ClassVar[str | None] = None
    """Node pool profile that makes GKE create and own the networks; never together with `own_networks`."""
    node_labels: ClassVar[Mapping[str, str]] = {}
    """Node labels that GKE requires to offer a node's NICs to pods."""
    capabilities: ClassVar[tuple[str, ...]] = ("IPC_LOCK", "SYS_RESOURCE")
    """Linux capabilities of a worker's container: RDMA pins memory and raises the limit for it."""
    agent_roles: ClassVar[Sequence[str]] = ()
    """Additional project roles that GKE's service agent needs."""

    def __str__(self) -> str:
        return self.name

    @abstractmethod
    def worker(self, nics: int, interfaces: Mapping[str, str]) -> NicRequest:
        """The Kubernetes fields by which a worker pod gets `nics` RDMA NICs.

        `interfaces`: interface of the pod → network object, for each RDMA NIC of a node.
        """

    def errors(self, mover: KvMover) -> Iterator[Error]:
        """Errors of a deployment whose pods would get no NICs, or NICs of other pods."""
        del mover
        yield from ()

    def warnings(self) -> Iterator[str]:
        """Warnings for stacks with GPU nodes in this mode."""
        yield from ()
