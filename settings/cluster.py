"""`cluster`: the GKE cluster and its CPU nodes."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from catalog.defaults import default_system_machine
from catalog.machines import CpuMachineName
from reading.frozen import Frozen
from settings.existing_cluster import ExistingCluster
from settings.maintenance import Maintenance

# Namespace of the graphs in a cluster that the stack creates. Components take theirs from `Plan.namespace`.
OWN_NAMESPACE = "dynamo"


class ReleaseChannel(StrEnum):
    REGULAR = "regular"
    """New versions some months after Rapid."""
    STABLE = "stable"
    """New versions last."""
    RAPID = "rapid"
    """New versions first."""


class SystemPool(Frozen):
    """The CPU nodes that the platform, the frontends and simulated workers run on."""

    machine: CpuMachineName = Field(default_factory=default_system_machine)
    """Machine type of the nodes."""
    nodes: Annotated[int, Field(ge=2, le=10)] = 2
    """Minimum number of nodes; the maximum is twice that. At least two: a new pool has a node per zone, usually three,
    which must not exceed the maximum. The plan counts three nodes if the minimum is lower."""

    @property
    def max_nodes(self) -> int:
        return 2 * self.nodes


KmsKey = Annotated[
    str,
    Field(
        pattern=r"^projects/[a-z0-9:.-]+/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]+/cryptoKeys/[A-Za-z0-9_-]+$",
        description="the full name of a Cloud KMS key: project, location, key ring and key",
        examples=["projects/my-project/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"],
    ),
]


class ClusterSettings(Frozen):
    deletion_protection: bool = True
    """Whether cluster, GPU pools and weights cannot be deleted, until it is false."""
    release_channel: ReleaseChannel = ReleaseChannel.REGULAR
    """GKE's release channel, which decides how new the cluster's versions are."""
    system_pool: SystemPool = Field(default_factory=SystemPool)
    maintenance: Maintenance = Field(default_factory=Maintenance)
    existing: ExistingCluster | None = None
    binary_authorization: bool = False
    """Whether only images that the project's Binary Authorization policy admits may start."""
    secrets_key: KmsKey | None = None
    """Your own KMS key, with which the cluster encrypts its Secrets in addition to Google's key."""
