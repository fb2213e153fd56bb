"""Interfaces of the infrastructure that workloads use. `infra.environment` implements them without an import."""

from collections.abc import Sequence
from typing import Protocol

import pulumi
import pulumi_gcp as gcp


class Nic(Protocol):
    """Network and subnet of one additional NIC of a GPU node, by name."""

    @property
    def network(self) -> pulumi.Input[str]: ...
    @property
    def subnetwork(self) -> pulumi.Input[str]: ...


class NicNetworks(Protocol):
    """The networks of the additional NICs of a GPU node."""

    @property
    def second_gvnic(self) -> Nic | None: ...
    @property
    def rails(self) -> Sequence[Nic]:
        """The network of each RDMA NIC, in the order of the NICs."""
        ...


class ReachableCluster(Protocol):
    """A cluster in which objects can be created."""

    @property
    def dns_endpoint(self) -> pulumi.Output[str] | None: ...
    @property
    def subnet_id(self) -> pulumi.Input[str] | None:
        """The subnet of load-balancer addresses; None if unknown."""
        ...

    @property
    def ready(self) -> Sequence[pulumi.Resource]:
        """Resources that must exist before any object of the cluster."""
        ...


class Scope(Protocol):
    """Prefix and parent of the environment's components."""

    def name(self, name: str) -> str: ...
    def options(
        self, providers: Sequence[pulumi.ProviderResource], after: Sequence[pulumi.Resource] = ()
    ) -> pulumi.ResourceOptions: ...


class Foundation(Protocol):
    """The Google Cloud side of an environment, as Kubernetes components need it."""

    @property
    def scope(self) -> Scope: ...
    @property
    def provider(self) -> gcp.Provider: ...
    @property
    def cluster(self) -> ReachableCluster: ...
    @property
    def nic_networks(self) -> NicNetworks | None:
        """The networks of GPU nodes' additional NICs; None if the stack creates none."""
        ...

    @property
    def weights(self) -> pulumi.Resource:
        """The weights bucket."""
        ...

    @property
    def project_number(self) -> pulumi.Output[str]:
        """The project's number. Only a component that needs it triggers the lookup."""
        ...
