"""The plan's data around the graphs: network, endpoint, pod security, secrets, maintenance, budget, cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

PodSecurityLevel = Literal["privileged", "baseline", "restricted"]


@dataclass(frozen=True, kw_only=True)
class TokenSecret:
    """A secret of Secret Manager."""

    name: str
    exists: bool
    """Whether somebody else created the secret, so the token never passes through Pulumi."""


@dataclass(frozen=True, kw_only=True)
class UnrestrictedWorkers:
    """The graphs whose workers the level `restricted` would refuse. Both empty for simulated engines."""

    on_gpus: Sequence[str]
    """Their workers run as root."""
    pinning: Sequence[str]
    """Those of them whose workers add the capabilities for RDMA."""


@dataclass(frozen=True, kw_only=True)
class PodSecurity:
    """What pods of the graphs' namespace may ask of their node."""

    level: PodSecurityLevel
    """The level of the Pod Security Standards that every pod must keep to."""
    workers: UnrestrictedWorkers


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """IP ranges of the stack's networks."""

    nodes: str
    pods: str
    services: str
    proxies: str
    second_gvnic: str
    rdma: str
    rdma_subnets: tuple[str, ...]
    """`rdma` cut into one subnet for each RDMA NIC of a node, in rail order; none where the stack has no GPU nodes."""


@dataclass(frozen=True, kw_only=True)
class ExistingNetwork:
    """A VPC that the cluster is put into."""

    project: str
    vpc: str
    subnet: str
    pods_range: str
    services_range: str
    """Names of the subnet's secondary ranges."""


@dataclass(frozen=True, kw_only=True)
class InCluster:
    """Clients reach the frontends inside the cluster only."""


@dataclass(frozen=True, kw_only=True)
class Internal:
    """An internal load balancer with an address of the node subnet."""

    global_access: bool
    """Whether clients of other regions reach it."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A public load balancer."""

    domain: str
    """Graphs are served as `https://<graph>.<domain>`."""
    allowed_cidrs: tuple[str, ...]


Endpoint = InCluster | Internal | Gateway


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """When GKE may work on the cluster."""

    recurrence: str
    """An RRULE, RFC 5545."""
    start: str
    end: str
    """Of the first window, RFC 3339."""
    hold_node_upgrades: bool
    """Whether minor versions and node upgrades wait for a person."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a month may cost."""

    amount: int
    currency: str
    emails: tuple[str, ...]
    spent_shares: tuple[float, ...]
    """Shares of the amount at which mail goes out once they are spent."""
    forecast_shares: tuple[float, ...]
    """The same for what the month is heading for."""


@dataclass(frozen=True, kw_only=True)
class CostItem:
    what: str
    usd_per_hour: float | None
    """None where no price is known."""
    usd_bound: float | None
    """As `usd_per_hour`, or an upper bound if that is unknown."""
    usd_max: float | None
    """An upper bound with all nodes that an autoscaler may add."""
    basis: str


def total(usd: Iterable[float | None]) -> float | None:
    """The sum; None when a part of it is unknown, or there is nothing to add up."""
    parts = list(usd)
    known = [part for part in parts if part is not None]
    return round(sum(known), 2) if known and len(known) == len(parts) else None
