"""Plain data that the catalog and the rooms after it exchange. Imports nothing else of this program."""

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
    """As the activations: 2 bytes, for FP8 checkpoints too."""
    FP8 = "fp8"

    @property
    def bytes(self) -> int:
        return 1 if self is KvCacheDtype.FP8 else 2


@dataclass(frozen=True, kw_only=True)
class EngineInput:
    """What an engine is told of one role of a deployment to write its command line."""

    role: Role
    tensor_parallel: int
    """GPUs of one engine."""
    repository: str
    """The model on its hub, `organization/name`."""
    model: str
    """Where the weights are: a folder of the bucket, or the repository. The same for every role."""
    served_name: str
    """What clients send as `model`."""
    streams_weights: bool
    """Whether many weights files are read at once, by the Run:ai streamer."""
    max_model_len: int
    """Tokens of prompt and answer together."""
    kv_cache_dtype: KvCacheDtype
    gpu_memory_utilization: float
    """Share of a GPU's memory that the engine may use, 0 to 1."""
    kv_lease_seconds: int | None
    """How long prefill keeps KV cache that decode does not fetch; None for the engine's own default."""
    extra_args: tuple[str, ...]
    """Words of the stack at the end of the command line, flag and value apart."""


@dataclass(frozen=True, kw_only=True)
class EnvVar:
    """An environment variable of a container: a plain value, or a field of its own pod."""

    name: str
    value: str | None = None
    field: str | None = None
    """A path of Kubernetes' downward API, such as `status.podIP`; in place of `value`."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Ports on which every worker of an engine serves something that others read."""

    metrics: int = 9090
    """Dynamo's system port: `/metrics`, `/live`, `/health`. The operator sets it."""
    nixl_telemetry: int | None = None
    """Where NIXL serves counters of its own; None where the engine has them off."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """A Prometheus series of an engine, without its labels. Engines have one series a rank, so readers aggregate."""

    name: str
    """Of a histogram without `_bucket`, `_sum` or `_count`."""
    unit: str = "1"
    """A unit of UCUM, as Cloud Monitoring takes it: `By`, `MBy`, `s`, `ms`; `1` for a count or a ratio."""


@dataclass(frozen=True, kw_only=True)
class ScalingSignal:
    """A gauge that an autoscaler keeps at a mean over the engines of a role."""

    name: str
    """In Kubernetes; it never changes, since autoscalers refer to it."""
    gauge: str
    """In Prometheus."""
    target: str
    """A Kubernetes quantity: `700m` is 0.7."""


@dataclass(frozen=True, kw_only=True)
class TransferMetrics:
    """What an engine counts of the KV cache that it moves. None, or nothing, where it does not count that."""

    source: str
    """Who counts, for the reader of a dashboard, such as `vLLM's connector`."""
    moved: Series | None = None
    """Counter of what arrived."""
    duration: Series | None = None
    """Histogram of the time of one transfer."""
    failures: Mapping[str, str] = field(default_factory=dict[str, str])
    """Counters of failed transfers, each by the word that a dashboard shows for it. Any rise is worth an alert."""
    expired: str | None = None
    """Counter of prompts whose KV cache decode did not fetch in time, on prefill."""
    received: tuple[str, str] | None = None
    """Counters of prompt tokens on decode: those that came from prefill, and those that were asked for."""


@dataclass(frozen=True, kw_only=True)
class EngineMetrics:
    """Names of an engine's metrics by what they say; None where the engine does not say it."""

    queue: str | None = None
    """Gauge of requests that wait in one engine."""
    kv_cache_use: str | None = None
    """Gauge of the share of the KV cache in use, 0 to 1."""
    scaling: Mapping[Role, tuple[ScalingSignal, ...]] = field(default_factory=dict[Role, tuple[ScalingSignal, ...]])
    """What the autoscaler of a role goes by; a role that is missing cannot be scaled."""
    transfer: TransferMetrics | None = None


@dataclass(frozen=True, kw_only=True)
class TransferEvidence:
    """The counters that show that KV cache moved from prefill to decode.

    If the counters are missing, the result is unknown. If they exist and do not increase, the transfer failed.
    """

    role: Role
    """Whose workers count: the receiver (decode) or the sender (prefill)."""
    moved: Series
    """Counter of the amount."""
    transfers: str
    """Counter of transfers."""
    failed: str | None = None
    """Counter of failed transfers."""
    used: str | None = None
    """Counter of prompt tokens that the receiver took from a transfer instead of computing them."""
    absent: str
    """What to check when the counters are missing, as the end of a sentence."""
    carrier: str = ""
    """What moves the cache, for the reader of a report: `NIXL`."""


@dataclass(frozen=True, kw_only=True)
class TransportEvidence:
    """Whose log shows which transport UCX chose for KV cache, and for which operation."""

    role: Role
    operation: Literal["read", "write"]
    """Of remote memory: the receiver reads, or the sender writes."""


@dataclass(frozen=True, kw_only=True)
class KnownFailure:
    """A failure that an engine names in its log or in an answer, and what to do about it."""

    says: str
    """A regular expression that one line of the text matches."""
    remedy: str
    """What it means and what to check, as a clause without its full stop."""


@dataclass(frozen=True, kw_only=True)
class TransferConnection:
    """How one worker takes part in the transfer of KV cache, as its command line says."""

    connector: str | None
    """What moves the cache, by the engine's name for it; None where the command line names nothing."""
    sends: bool
    receives: bool


@dataclass(frozen=True, kw_only=True)
class LocalRun:
    """How an engine runs on a machine without GPUs."""

    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    flags: tuple[str, ...] = ()
    """Words at the end of each worker's command line."""
    edits: Mapping[str, Callable[[str], str]] = field(default_factory=dict[str, Callable[[str], str]])
    """By flag: how its value changes."""
    port_variable: str | None = None
    """The variable that tells a worker another port of its own, since all share one address there."""


@dataclass(frozen=True, kw_only=True)
class KvLease:
    """How long prefill keeps KV cache that decode does not fetch, seconds."""

    default: int
    """Unless the stack says otherwise."""
    min: int
    why_min: str
    """Why a shorter one fails."""


@dataclass(frozen=True, kw_only=True)
class RoleShape:
    """One role of a deployment, as rules between roles read it."""

    role: Role
    tensor_parallel: int
    arguments: tuple[str, ...] = ()
    """Words of card and stack at the end of its command line, valid or not."""


@dataclass(frozen=True, kw_only=True)
class MemoryInput:
    """What an engine is told to say how it divides the memory of one GPU."""

    gpu: str
    """What people call the GPU."""
    gpu_bytes: int
    """Usable memory of one GPU."""
    weights: float
    """Bytes of the weights on one GPU."""
    share: float
    """Share of a GPU's memory that the stack gives the engine, 0 to 1."""
    tensor_parallel: int
    max_model_len: int
    arguments: tuple[str, ...]
    """The stack's own words for the command line, valid or not."""


@dataclass(frozen=True, kw_only=True)
class MemoryUse:
    """What one engine does with the memory of each of its GPUs beside the weights."""

    kv_cache: float
    """Bytes left for the KV cache; negative where the weights alone do not fit."""
    overhead: float
    """Bytes of runtime, activations, communication buffers, CUDA graphs."""
    source: str
    """Where `overhead` comes from: measured, documented or estimated."""
    window_tokens: int = 0
    """Tokens of one sequence that layers with a sliding window hold at most; 0 for a model without."""
    advice: str | None = None
    """What the stack's own arguments made larger, and could make smaller again; a clause without its full stop."""


@dataclass(frozen=True, kw_only=True)
class NicClaim:
    """A claim of a pod for RDMA NICs, by Kubernetes' dynamic resource allocation."""

    device_class: str
    count: int
    """NICs that the pod gets."""
    whole_node: bool = False
    """Whether these are all NICs of the node. The claim then counts none: it gets what the node has, or waits."""

    @property
    def size(self) -> int | Literal["all"]:
        """How many NICs it asks for."""
        return "all" if self.whole_node else self.count


@dataclass(frozen=True, kw_only=True)
class NicRequest:
    """What a worker pod asks for to get its RDMA NICs, in terms of Kubernetes. Nothing by default."""

    claim: NicClaim | None = None
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    limits: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the container."""
    capabilities: tuple[str, ...] = ()
    """Linux capabilities that the container adds."""


NO_NICS = NicRequest()


@dataclass(frozen=True, kw_only=True)
class KvMover:
    """A deployment that moves KV cache by RDMA, as an RDMA mode judges it."""

    path: str
    """Its key path, such as `models.chat`."""
    gpus: Mapping[Role, int]
    """GPUs of one engine, by role."""
    node_gpus: Mapping[Role, int]
    """GPUs of one node of the role."""
    layouts: tuple[str, ...]
    """Layouts of its model card that give each engine a node of its own and move KV cache too."""
