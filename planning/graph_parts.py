"""Parts of a graph in the plan: how a role scales, and what is verified before its endpoint is handed out."""

from dataclasses import dataclass

from catalog.contracts import ScalingSignal, TransferEvidence, TransportEvidence
from catalog.rdma import KvTransfer


@dataclass(frozen=True, kw_only=True)
class Autoscaling:
    """How the autoscaler of a role chooses the number of engines."""

    min: int
    max: int
    signals: tuple[ScalingSignal, ...]
    """The engine's gauges for the role."""
    metrics_port: int
    """Where the engine serves them."""
    seconds_per_added_engine: int
    """Between two engines that are added."""
    seconds_per_removed_engine: int
    """Between two engines that are taken away."""
    stabilization_seconds: int
    """How long fewer engines must have been enough before one is taken away."""


@dataclass(frozen=True, kw_only=True)
class Transport:
    """What the engines' logs must show that KV cache moves over."""

    declared: KvTransfer
    evidence: TransportEvidence
    ranks: int
    """GPUs of an engine whose log shows it: each has a process that moves KV cache for itself."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What is asked of a graph before its endpoint is handed out."""

    required: bool
    """Whether an update fails when disaggregation does not happen."""
    transfer: TransferEvidence | None
    """The counters that must rise; None where the engine moves no KV cache, or counts none."""
    transport: Transport | None
    """None where no KV cache moves between GPUs, or no log of the engine shows over what."""
    timeout_seconds: int
