"""Plain data that the catalog and the rooms after it exchange. Imports nothing of this program."""

from dataclasses import dataclass
from enum import StrEnum


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
