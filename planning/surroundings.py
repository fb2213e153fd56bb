"""Types of the plan for everything around the graphs: network, endpoint, security, maintenance, budget, cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from catalog import lifecycle

PodSecurityLevel = Literal["privileged", "baseline", "restricted"]


@dataclass(frozen=True, kw_only=True)
class TokenSecret:
    """A secret in Secret Manager."""

    name: str
    exists: bool
    """Whether the secret exists outside the stack. The token then never passes through Pulumi."""
    first_sync_seconds: int = 900
    """Max time until GKE has copied it. An IAM binding may take minutes to propagate, and until then reads fail."""


@dataclass(frozen=True, kw_only=True)
class UnrestrictedWorkers:
    """The graphs whose workers the level `restricted` would reject. Both lists are empty for simulated engines."""

    on_gpus: Sequence[str]
    """Graphs whose workers run as root."""
    pinning: Sequence[str]
    """Graphs of that list whose workers also add the capabilities for RDMA."""


@dataclass(frozen=True, kw_only=True)
class PodSecurity:
    """Privileges that pods of the graphs' namespace may have on their node."""

    level: PodSecurityLevel
    """The Pod Security level that every pod must meet."""
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
    """`rdma` split into one subnet per RDMA NIC of a node, in rail order; empty without GPU nodes."""


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """A VPC of the stack's own."""

    mtu: int = 8896
    """Jumbo frames, the largest MTU of a VPC. Set at creation: running nodes keep the old one."""
    min_nat_ports: int = 2048
    max_nat_ports: int = 65536
    """For each node: nodes that pull weights open thousands of connections to few addresses."""


@dataclass(frozen=True, kw_only=True)
class DefaultNode:
    """The one node of the pool that GKE creates with a cluster and that is removed at once."""

    machine: str = "e2-medium"
    disk_gb: int = 30


@dataclass(frozen=True, kw_only=True)
class ExistingNetwork:
    """An existing VPC that the cluster uses."""

    project: str
    vpc: str
    subnet: str
    pods_range: str
    services_range: str
    """Names of the subnet's secondary ranges, this and `pods_range`."""


@dataclass(frozen=True, kw_only=True)
class InCluster:
    """No load balancer: only clients inside the cluster reach the frontends."""


@dataclass(frozen=True, kw_only=True)
class Internal:
    """An internal load balancer with an address of the node subnet."""

    global_access: bool
    """Whether clients in other regions can reach the load balancer."""


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """The load balancer's check of a frontend."""

    interval_seconds: int = 10
    timeout_seconds: int = 5
    healthy_after: int = 1
    unhealthy_after: int = 3
    """Checks in a row."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A public load balancer."""

    domain: str
    """Domain of the graphs, `https://<graph>.<domain>`."""
    allowed_cidrs: tuple[str, ...]
    stream_seconds: int = 3600
    """Max duration of a stream. Google's default of 30 s would cut off long answers."""
    drain_seconds: int = lifecycle.PRE_STOP_SECONDS + lifecycle.ANSWERS_SECONDS
    """As long as a terminating frontend still answers, so that the load balancer cuts no connection before."""
    health: HealthCheck = HealthCheck()


Endpoint = InCluster | Internal | Gateway


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """The maintenance window of the cluster."""

    recurrence: str
    """RRULE, RFC 5545."""
    start: str
    end: str
    """End of the first window; like `start`, RFC 3339."""
    hold_node_upgrades: bool
    """Whether GKE leaves minor versions and node upgrades to the user."""
    hold_from: str = "2026-01-01T00:00:00Z"
    """Fixed, or each preview would differ; Google's blueprint uses a past time."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Max cost of a month."""

    amount: int
    currency: str
    emails: tuple[str, ...]
    spent_shares: tuple[float, ...]
    """Shares of the amount that trigger an email once spent."""
    forecast_shares: tuple[float, ...]
    """Shares of the amount that trigger an email once forecast for the month."""


NOT_KNOWN = "not known"
"""A cost without a price, as outputs and texts show it; JSON of the plan has null."""


@dataclass(frozen=True, kw_only=True)
class CostItem:
    """One line of the cost, USD per hour."""

    name: str
    usd_per_hour: float | None
    """Price; None if unknown."""
    usd_bound: float | None
    """Same as `usd_per_hour`, or an upper bound if that is unknown."""
    usd_max: float | None
    """Upper bound with all nodes that an autoscaler may add."""
    basis: str


def total(usd: Iterable[float | None]) -> float | None:
    """The sum; None if a part is unknown, or there are no parts."""
    parts = list(usd)
    known = [part for part in parts if part is not None]
    return round(sum(known), 2) if known and len(known) == len(parts) else None
