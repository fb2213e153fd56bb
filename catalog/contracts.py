"""Plain data that the catalog and the rooms after it exchange.

This module imports only `catalog.purchases`, which is plain data too: how nodes are bought.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from catalog.purchases import CAPACITY_LABEL as CAPACITY_LABEL
from catalog.purchases import NodePurchase as NodePurchase
from catalog.purchases import ReservationRef as ReservationRef


class Role(StrEnum):
    """A phase of inference, and the component type that runs it."""

    PREFILL = "prefill"
    DECODE = "decode"
    WORKER = "worker"
    """Both phases in one engine: the aggregated layout."""


class KvCacheDtype(StrEnum):
    AUTO = "auto"
    """The type of the activations: 2 bytes, for FP8 checkpoints too."""
    FP8 = "fp8"
    """1 byte, so twice the tokens fit."""

    @property
    def bytes(self) -> int:
        return 1 if self is KvCacheDtype.FP8 else 2


@dataclass(frozen=True, kw_only=True)
class EngineInput:
    """One role of a deployment: the data from which an engine writes its command line."""

    role: Role
    tensor_parallel: int
    """GPUs of one engine."""
    repository: str
    """The model on its hub, `organization/name`."""
    model: str
    """Location of the weights, the same for every role: a folder of the bucket, or the repository."""
    served_name: str
    """Model name that clients send as `model`."""
    streams_weights: bool
    """Whether the Run:ai streamer reads many weights files at once."""
    max_model_len: int
    """Max tokens of prompt and answer together."""
    kv_cache_dtype: KvCacheDtype
    gpu_memory_utilization: float
    """Share of a GPU's memory that the engine may use, 0 to 1."""
    kv_lease_seconds: int | None
    """Seconds that prefill keeps KV cache that decode does not fetch; None for the engine's own default."""
    linear_state: bool = False
    """Whether the model has layers with a state of constant size for each sequence, which moves with the KV cache."""
    extra_args: tuple[str, ...]
    """The stack's own arguments at the end of the command line, flag and value as separate words."""


@dataclass(frozen=True, kw_only=True)
class EnvVar:
    """An environment variable of a container: a plain value, or a field of its own pod."""

    name: str
    value: str | None = None
    field: str | None = None
    """A path of Kubernetes' downward API, such as `status.podIP`, instead of `value`."""


# Port of a worker's KV events for the router, free because each pod has one worker. Rank N of data parallel attention
# uses N more.
KV_EVENTS_PORT = 20080


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Ports that every worker of an engine serves to other pods."""

    metrics: int = 9090
    """Dynamo's system port, set by the operator: `/metrics`, `/live`, `/health`."""
    nixl_telemetry: int | None = None
    """Port of NIXL's own counters; None where the engine switches them off."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """A Prometheus series of an engine, without its labels. Engines have one series a rank, so readers aggregate."""

    name: str
    """Name of the metric; for a histogram, without `_bucket`, `_sum` or `_count`."""
    unit: str = "1"
    """A unit of UCUM, as Cloud Monitoring takes it: `By`, `MBy`, `s`, `ms`; `1` for a count or a ratio."""


@dataclass(frozen=True, kw_only=True)
class ScalingSignal:
    """A gauge that the autoscaler of a role keeps at a target, as the mean over the role's engines."""

    name: str
    """Name in Kubernetes. Never change a published name: autoscalers refer to it."""
    gauge: str
    """Name of the gauge in Prometheus."""
    target: str
    """Target of the mean, a Kubernetes quantity: `700m` is 0.7."""


@dataclass(frozen=True, kw_only=True)
class TransferMetrics:
    """An engine's metrics of KV cache transfers. A field is None or empty where the engine has no such metric."""

    source: str
    """Component that counts, as a dashboard names it, such as `vLLM's connector`."""
    moved: Series | None = None
    """Counter of the amount received."""
    duration: Series | None = None
    """Histogram of transfer durations."""
    failures: Mapping[str, str] = field(default_factory=dict[str, str])
    """Dashboard label → counter of failed transfers. Any increase raises an alert."""
    expired: str | None = None
    """Prefill's counter of prompts whose KV cache decode did not fetch in time."""
    after_expiry: str | None = None
    """Counter of transfers that ended after their lease had expired. Older runtimes may not have it."""
    received: tuple[str, str] | None = None
    """Decode's counters of prompt tokens: tokens received from prefill, and tokens requested."""


@dataclass(frozen=True, kw_only=True)
class EngineMetrics:
    """Names of an engine's metrics by meaning; None where the engine has no such metric."""

    queue: str | None = None
    """Gauge of requests queued in one engine."""
    kv_cache_use: str | None = None
    """Gauge of the KV cache share in use, 0 to 1."""
    scaling: Mapping[Role, tuple[ScalingSignal, ...]] = field(default_factory=dict[Role, tuple[ScalingSignal, ...]])
    """Signals of each role's autoscaler. A role that is not listed cannot be autoscaled."""
    transfer: TransferMetrics | None = None


@dataclass(frozen=True, kw_only=True)
class TransferEvidence:
    """The counters that verify that KV cache moved from prefill to decode.

    If the counters are missing, the result is unknown. If they exist and do not increase, the transfer failed.
    """

    role: Role
    """Role whose workers have the counters: the receiver (decode) or the sender (prefill)."""
    moved: Series
    """Counter of the amount transferred."""
    transfers: str
    """Counter of successful transfers."""
    failed: str | None = None
    """Counter of failed transfers."""
    used: str | None = None
    """Counter of prompt tokens that the receiver got from a transfer instead of computing them."""
    absent: str
    """Advice for missing counters, as the end of a sentence."""
    carrier: str = ""
    """Library that moves the cache, as reports name it, such as `NIXL`."""


@dataclass(frozen=True, kw_only=True)
class TransportEvidence:
    """The role whose log shows which transport UCX chose for KV cache, and the operation that the log names."""

    role: Role
    operation: Literal["read", "write"]
    """Operation on remote memory: the receiver reads, or the sender writes."""


@dataclass(frozen=True, kw_only=True)
class KnownFailure:
    """A failure that an engine reports in its log or in a response, and how to fix it."""

    pattern: str
    """Regular expression that a line of the log or response matches."""
    remedy: str
    """Meaning of the failure and what to check, as a clause without its full stop."""


@dataclass(frozen=True, kw_only=True)
class TransferConnection:
    """A worker's part in the transfer of KV cache, read from its command line."""

    connector: str | None
    """The engine's name of the connector that moves the cache; None where the command line names none."""
    sends: bool
    receives: bool


@dataclass(frozen=True, kw_only=True)
class LocalRun:
    """Changes with which an engine runs on a machine without GPUs."""

    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    flags: tuple[str, ...] = ()
    """Arguments appended to each worker's command line."""
    edits: Mapping[str, Callable[[str], str]] = field(default_factory=dict[str, Callable[[str], str]])
    """Flag → function that rewrites its value."""
    port_variable: str | None = None
    """Environment variable that gives each worker a different port, because local workers share one address."""


@dataclass(frozen=True, kw_only=True)
class KvLease:
    """Seconds that prefill keeps KV cache that decode does not fetch."""

    default: int
    """Seconds unless the stack sets another number."""
    min: int
    why_min: str
    """Why a shorter lease fails."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A setting of one role's workers that must equal the other role's, or the engines reject each other."""

    value: str
    """Value of the setting, in words for a message."""
    common: tuple[str, ...] = ()
    """For a setting that the engine chooses by itself: a flag and a value that work on every GPU generation."""


@dataclass(frozen=True, kw_only=True)
class RoleShape:
    """One role of a deployment, as rules that compare roles see it."""

    role: Role
    tensor_parallel: int
    arguments: tuple[str, ...] = ()
    """Arguments from card and stack at the end of the command line, valid or not."""


@dataclass(frozen=True, kw_only=True)
class MemoryInput:
    """The data from which an engine predicts how it divides the memory of one GPU."""

    gpu: str
    """The GPU's common name, such as H200."""
    gpu_bytes: int
    """Usable memory of one GPU."""
    weights: float
    """Bytes of the weights on one GPU."""
    share: float
    """Share of a GPU's memory that the stack gives the engine, 0 to 1."""
    tensor_parallel: int
    max_model_len: int
    arguments: tuple[str, ...]
    """The stack's own arguments, valid or not."""


@dataclass(frozen=True, kw_only=True)
class MemoryUse:
    """Predicted memory use of one engine on each of its GPUs, without the weights."""

    kv_cache: float
    """Bytes left for the KV cache; negative if the weights alone do not fit."""
    overhead: float
    """Bytes for runtime, activations, communication buffers and CUDA graphs."""
    source: str
    """Source of `overhead`: measured, documented or estimated."""
    window_tokens: int = 0
    """Max tokens of one sequence that sliding-window layers hold; 0 for a model without such layers."""
    advice: str | None = None
    """How to change the stack's own arguments to free memory, as a clause without its full stop."""


@dataclass(frozen=True, kw_only=True)
class NicClaim:
    """A pod's claim for RDMA NICs, through Kubernetes' dynamic resource allocation."""

    device_class: str
    count: int
    """NICs that the pod gets."""
    whole_node: bool = False
    """Whether the pod gets all NICs of its node. The claim then asks for `all` instead of a number."""

    @property
    def size(self) -> int | Literal["all"]:
        """The number of NICs that the claim asks for."""
        return "all" if self.whole_node else self.count


@dataclass(frozen=True, kw_only=True)
class NicRequest:
    """The Kubernetes fields by which a worker pod gets its RDMA NICs. Empty by default."""

    claim: NicClaim | None = None
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    limits: Mapping[str, str] = field(default_factory=dict[str, str])
    """Resource limits of the container."""
    capabilities: tuple[str, ...] = ()
    """Linux capabilities that the container adds."""


NO_NICS = NicRequest()


@dataclass(frozen=True, kw_only=True)
class KvMover:
    """A deployment that moves KV cache by RDMA, as the rules of an RDMA mode see it."""

    path: str
    """Its key path, such as `models.chat`."""
    gpus: Mapping[Role, int]
    """GPUs of one engine, by role."""
    node_gpus: Mapping[Role, int]
    """GPUs of one node of the role."""
    layouts: tuple[str, ...]
    """The model's other layouts that also move KV cache and give each engine its own node."""
    by_tcp: str
    """A clause: how much later the first token comes by TCP."""
