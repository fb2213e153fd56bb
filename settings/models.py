"""`models`: the deployments of a stack."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from catalog.contracts import KvCacheDtype, Role
from catalog.engines import engine_names
from catalog.lifecycle import MAX_DRAIN_SECONDS
from catalog.machines import GpuMachineName
from catalog.rdma import KvTransfer
from reading.errors import one_of
from reading.frozen import Frozen
from settings.capacity import Capacity

# As many as GKE lets a node pool have nodes.
Replicas = Annotated[int, Field(ge=1, le=1000)]


class RoleOverride(Frozen):
    replicas: Replicas | None = None
    tensor_parallel: Annotated[int, Field(ge=1)] | None = None
    machine: GpuMachineName | None = None
    """The machine type that the role's engines run on, in a pool of their own; `capacity.machine` unless given."""
    capacity: Capacity | None = None
    """How the nodes of that pool are bought; `capacity` of the stack unless given."""
    drain_seconds: Annotated[int, Field(ge=0, le=MAX_DRAIN_SECONDS)] | None = None
    """How long an engine that is told to stop serves on before it aborts what still runs. Every restart takes it."""
    extra_args: tuple[str, ...] = ()
    """As `engine.extraArgs`, for the workers of this role only. A flag here replaces the same flag there."""


class ScaleRange(Frozen):
    """How many engines of a role there may be; an autoscaler chooses between."""

    min: Replicas
    """At least one: without prefill or decode the model is not served at all."""
    max: Replicas

    @field_validator("max")
    @classmethod
    def _max_over_min(cls, high: int, info: ValidationInfo) -> int:
        low: int | None = info.data.get("min")
        if low and high < low:
            raise ValueError(f"got {high}, which is less than min, {low}; set max to {low} or more")
        return high


class Autoscaling(Frozen):
    prefill: ScaleRange | None = None
    decode: ScaleRange | None = None
    worker: ScaleRange | None = None

    @property
    def ranges(self) -> dict[Role, ScaleRange]:
        pairs = ((Role.PREFILL, self.prefill), (Role.DECODE, self.decode), (Role.WORKER, self.worker))
        return {role: given for role, given in pairs if given}


class VerificationMode(StrEnum):
    REQUIRED = "required"
    """Whatever is not verified fails the update, and no endpoint is handed out."""
    REPORTED = "reported"
    """The Job prints its verdicts and the update passes; for bringing up a new machine or engine."""


class FrontendSettings(Frozen):
    replicas: Replicas | None = None
    """Two unless set, so that one may go down; one for a simulated graph."""


def _engine(name: str) -> str:
    if name not in engine_names():
        raise ValueError(one_of(name, engine_names()))
    return name


class EngineSettings(Frozen):
    name: Annotated[str, AfterValidator(_engine)] | None = None
    """An engine of the catalog; the layout's own, or the catalog's default, when left out."""
    max_model_len: Annotated[int, Field(ge=1)] | None = None
    """Tokens of prompt and answer together; the card's default when left out."""
    kv_cache_dtype: KvCacheDtype = KvCacheDtype.AUTO
    gpu_memory_utilization: Annotated[float, Field(gt=0, lt=1, strict=False)] | None = None
    """Share of a GPU's memory that an engine gets; each engine has its default."""
    kv_lease_seconds: Annotated[int, Field(ge=1, le=600)] | None = None
    """How long prefill keeps the KV cache of an answered prompt for a decode engine that does not fetch it; the
    engine's own time unless given. Prompts that wait longer in decode's queue need more; a client that breaks off
    blocks memory for as long."""
    extra_args: tuple[str, ...] = ()
    """Words added to the command line of every worker, such as ["--max-num-seqs", "64"]."""
    allow_code: tuple[str, ...] = ()
    """Flags of any extraArgs that may run code of others, such as ["--trust-remote-code"]."""


# What a client's JSON, a command line and a metric's label all take as it is; a hub's `org/name` too.
ServedName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}(/[A-Za-z0-9][A-Za-z0-9._-]{0,62})?$",
        description="1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit; once a / "
        "between two such parts",
        examples=["llama-3.3-70b"],
    ),
]


class ModelSettings(Frozen):
    model: str
    layout: str
    served_name: ServedName | None = None
    """What clients send as `model`; the card's name unless given. It stays when `model` is swapped."""
    prefill: RoleOverride | None = None
    decode: RoleOverride | None = None
    worker: RoleOverride | None = None
    frontend: FrontendSettings = FrontendSettings()
    engine: EngineSettings = EngineSettings()
    autoscaling: Autoscaling = Autoscaling()
    verification: VerificationMode = VerificationMode.REQUIRED
    kv_transfer: KvTransfer | None = None
    """RDMA where KV cache moves between pods on GPUs. `tcp` accepts the pod network instead, with or without NICs."""

    @property
    def overrides(self) -> dict[Role, RoleOverride]:
        pairs = ((Role.PREFILL, self.prefill), (Role.DECODE, self.decode), (Role.WORKER, self.worker))
        return {role: override for role, override in pairs if override}


# 30 characters leave room for what is added: the operator's `<graph>-k8s-service-discovery-binding` is 63 at most.
GraphName = Annotated[
    str,
    Field(
        pattern=r"^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$",
        description="1 to 30 lower-case letters, digits and dashes, the first a letter, the last no dash",
        examples=["chat"],
    ),
]
