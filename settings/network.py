"""`network`: the RDMA mode, the IP ranges, and an existing VPC."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from catalog import rdma
from reading.catalog_names import NameOf
from reading.docstrings import one_line
from reading.frozen import Frozen
from settings.addresses import AddressPlan
from settings.forms import CloudName, ProjectId

# Names of the catalog's modes, so that no mode is named here.
if TYPE_CHECKING:
    RdmaModeName = str
else:
    RdmaModeName = Literal[rdma.NAMES]


def _modes() -> dict[str, str]:
    return {mode.name: one_line(sys.modules[type(mode).__module__].__doc__) for mode in rdma.MODES}


class ExistingNetwork(Frozen):
    """An existing VPC with NAT; the cluster uses one of its subnets."""

    project: ProjectId | None = None
    """Host project of a Shared VPC; the stack's project if not set."""
    vpc: Annotated[CloudName, Field(examples=["my-vpc"])]
    """Name of the VPC."""
    subnet: Annotated[CloudName, Field(examples=["my-subnet"])]
    """Name of the nodes' subnet."""
    pods_range: Annotated[CloudName, Field(examples=["pods"])] = "pods"
    """Name of the subnet's secondary range for pods."""
    services_range: Annotated[CloudName, Field(examples=["services"])] = "services"
    """Name of the subnet's secondary range for Services."""


class NetworkSettings(Frozen):
    rdma: Annotated[RdmaModeName, NameOf(_modes)] = "dranet"
    """RDMA mode, which connects a node's RDMA NICs to networks and to pods. Changing it restarts the workers that
    have NICs. To or from `dranetAuto`, and from `none`, it replaces the GPU pools; from the others to `none`, delete
    these first.

    If not set on a machine without `dranet`, the first mode that the machine has."""
    ranges: AddressPlan = Field(default_factory=AddressPlan)
    existing: ExistingNetwork | None = None
