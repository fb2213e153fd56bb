"""`network`: how RDMA NICs reach pods, the ranges, an existing VPC."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from catalog import rdma
from reading.frozen import Frozen
from settings.addresses import AddressPlan
from settings.forms import CloudName, ProjectId

# One of the modes that the catalog lists, so that none is named here.
if TYPE_CHECKING:
    RdmaModeName = str
else:
    RdmaModeName = Literal[rdma.NAMES]


class ExistingNetwork(Frozen):
    """An existing VPC with NAT; the cluster uses one of its subnets."""

    project: ProjectId | None = None
    """The host project of a Shared VPC; the stack's own unless given."""
    vpc: Annotated[CloudName, Field(examples=["my-vpc"])]
    subnet: Annotated[CloudName, Field(examples=["my-subnet"])]
    pods_range: Annotated[CloudName, Field(examples=["pods"])] = "pods"
    services_range: Annotated[CloudName, Field(examples=["services"])] = "services"
    """Names of the subnet's secondary ranges."""


class NetworkSettings(Frozen):
    rdma: RdmaModeName = "dranet"
    """How the RDMA NICs of a node get their networks and reach pods. Another one replaces node pools."""
    ranges: AddressPlan = AddressPlan()
    existing: ExistingNetwork | None = None
