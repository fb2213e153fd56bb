"""What the serving side needs of the infrastructure. `infra.environment` builds it; neither room imports the other."""

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
        """One for each RDMA NIC, in the order of the NICs."""
        ...


class ReachableCluster(Protocol):
    """A cluster that objects are put into."""

    @property
    def dns_endpoint(self) -> pulumi.Output[str] | None: ...
    @property
    def subnet_id(self) -> pulumi.Input[str] | None:
        """Where load balancers have their addresses; None where it is not known."""
        ...

    @property
    def ready(self) -> Sequence[pulumi.Resource]:
        """What must exist before an object of the cluster."""
        ...


class Foundation(Protocol):
    """The Google Cloud side of an environment, as far as components on Kubernetes need it."""

    @property
    def provider(self) -> gcp.Provider: ...
    @property
    def cluster(self) -> ReachableCluster: ...
    @property
    def nic_networks(self) -> NicNetworks | None:
        """The networks of GPU nodes' additional NICs; None where the stack creates none."""
        ...

    @property
    def weights(self) -> pulumi.Resource:
        """The weights bucket."""
        ...

    @property
    def project_number(self) -> pulumi.Output[str]:
        """Google Cloud is asked for it only when a component needs it."""
        ...
