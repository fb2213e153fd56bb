"""Parts of a graph in the plan: the autoscaling of its roles, and the verification before its endpoint is published."""

from dataclasses import dataclass

from catalog.contracts import ScalingSignal, TransferEvidence, TransportEvidence
from catalog.rdma import KvTransfer


@dataclass(frozen=True, kw_only=True)
class PodSize:
    """Resources of a pod, as Kubernetes writes quantities."""

    cpu: str
    memory: str
    shared_memory: str | None = None


@dataclass(frozen=True, kw_only=True)
class Frontend:
    """The frontends of a graph."""

    replicas: int
    size: PodSize
    min_available: int | None
    """What a node drain must leave; None for a single frontend, which could never move otherwise."""
    migration_limit: int
    """Max times that a request moves to another worker after its worker fails, before the client gets an error."""


@dataclass(frozen=True, kw_only=True)
class Autoscaling:
    """Settings of a role's autoscaler."""

    min: int
    max: int
    signals: tuple[ScalingSignal, ...]
    """Gauges of the engine that drive the autoscaler of the role."""
    metrics_port: int
    """Port of the engine that serves the gauges."""
    seconds_per_added_engine: int
    """Min seconds between two additions."""
    seconds_per_removed_engine: int
    """Min seconds between two removals."""
    stabilization_seconds: int
    """Seconds for which fewer engines must suffice before one is removed."""


@dataclass(frozen=True, kw_only=True)
class Transport:
    """The transport of KV cache that the engines' logs must show."""

    declared: KvTransfer
    evidence: TransportEvidence
    ranks: int
    """GPUs of an engine. For each, the log must show the transport, because each has its own process."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The verification of a graph before its endpoint is published."""

    required: bool
    """Whether an update fails if disaggregation is not verified."""
    transfer: TransferEvidence | None
    """The counters that must increase; None where the engine moves no KV cache or does not count transfers."""
    transport: Transport | None
    """The transport to verify; None where no KV cache moves between GPUs, or the engine's logs do not show it."""
    timeout_seconds: int
    retries: int = 0
    size: PodSize = PodSize(cpu="100m", memory="256Mi")
    max_memory: str = "512Mi"
    """The program reads untrusted answers, so its memory is limited."""

    @property
    def deadline_seconds(self) -> int:
        """Of the Job, which also pulls its image: it stops a program that hangs."""
        return 2 * self.timeout_seconds
