"""`models`: the deployments of a stack."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator

from catalog.contracts import KvCacheDtype, Role
from catalog.engines import all_engines, engine_names
from catalog.layouts import rules
from catalog.lifecycle import MAX_DRAIN_SECONDS
from catalog.machines import GpuMachineName
from catalog.models import card, card_names
from catalog.rdma import KvTransfer
from reading.catalog_names import NameOf
from reading.errors import one_of
from reading.frozen import Frozen
from reading.schema_rules import FILE
from settings.capacity import Capacity

# The max is GKE's limit of nodes per node pool.
Replicas = Annotated[int, Field(ge=1, le=1000, examples=[1])]


class RoleOverride(Frozen):
    replicas: Replicas | None = None
    """Engines of the role; the layout's number if not set."""
    tensor_parallel: Annotated[int, Field(ge=1)] | None = None
    """GPUs of one engine; the layout's number if not set."""
    machine: GpuMachineName | None = None
    """Machine type of the role's engines, in their own pool; `capacity.machine` if not set."""
    capacity: Capacity | None = None
    """How the nodes of the role's pool are bought; the stack's `capacity` if not set."""
    drain_seconds: Annotated[int, Field(ge=0, le=MAX_DRAIN_SECONDS)] | None = None
    """Seconds after SIGTERM in which an engine finishes running requests before it aborts them. Every restart waits."""
    extra_args: tuple[str, ...] = ()
    """Same as `engine.extraArgs`, for the workers of this role only. A flag here replaces the same flag there."""


class ScaleRange(Frozen):
    """Min and max engines of a role, between which the autoscaler chooses."""

    min: Replicas
    """At least one, because without prefill or decode the model cannot be served."""
    max: Replicas
    """The node pool grows for them, up to `capacity.maxNodes`."""

    @field_validator("max")
    @classmethod
    def _max_over_min(cls, high: int, info: ValidationInfo) -> int:
        low: int | None = info.data.get("min")
        if low and high < low:
            raise ValueError(f"got {high}, which is less than min, {low}; set max to {low} or more")
        return high


class Autoscaling(Frozen):
    prefill: ScaleRange | None = None
    """Range of the engines that compute prompts."""
    decode: ScaleRange | None = None
    """Range of the engines that generate tokens."""
    worker: ScaleRange | None = None
    """Range of the engines of an aggregated layout."""

    @property
    def ranges(self) -> dict[Role, ScaleRange]:
        pairs = ((Role.PREFILL, self.prefill), (Role.DECODE, self.decode), (Role.WORKER, self.worker))
        return {role: given for role, given in pairs if given}


class VerificationMode(StrEnum):
    REQUIRED = "required"
    """A failed or unknown check fails the update, and no endpoint is published."""
    REPORTED = "reported"
    """The Job prints its verdicts and the update continues. For bringing up a new machine or engine."""


class UpdateStrategy(StrEnum):
    ROLLING_UPDATE = "rollingUpdate"
    """Engines of a role are replaced one by one. New engines of another number or size may never fit on full nodes."""
    RECREATE = "recreate"
    """All engines stop, then the new ones start: every update of the workers is an outage until these are loaded."""


class FrontendSettings(Frozen):
    replicas: Replicas | None = None
    """Replicas; 2 if not set, so that one may fail; 1 for a simulated graph."""


def _engine(name: str) -> str:
    if name not in engine_names():
        raise ValueError(one_of(name, engine_names()))
    return name


def _titles() -> dict[str, str]:
    return {name: each.title for name, each in all_engines().items()}


class EngineSettings(Frozen):
    name: Annotated[str, AfterValidator(_engine), NameOf(_titles)] | None = None
    """An engine of the catalog; if not set, the layout's engine, or the catalog's default."""
    max_model_len: Annotated[int, Field(ge=1)] | None = None
    """Max tokens of prompt and answer together; the card's default if not set."""
    kv_cache_dtype: KvCacheDtype = KvCacheDtype.AUTO
    """Number format of the KV cache."""
    gpu_memory_utilization: Annotated[float, Field(gt=0, lt=1, strict=False)] | None = None
    """Share of a GPU's memory that an engine gets; the engine's default if not set."""
    kv_lease_seconds: Annotated[int, Field(ge=1, le=600)] | None = None
    """Seconds that prefill keeps the KV cache of a processed prompt until decode fetches it; the engine's default if
    not set. Prompts that queue longer at decode need more. An abandoned request occupies memory for as long."""
    extra_args: tuple[str, ...] = ()
    """Arguments added to the command line of every worker, such as ["--max-num-seqs", "64"]."""
    allow_code: tuple[str, ...] = ()
    """Flags of any extraArgs that may run third-party code, such as ["--trust-remote-code"]."""


# Characters that need no quoting in JSON, in a command line and in a metric's label; allows a hub's `org/name`.
ServedName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}(/[A-Za-z0-9][A-Za-z0-9._-]{0,62})?$",
        description="1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit; once a / "
        "between two such parts",
        examples=["llama-3.3-70b"],
    ),
]


def _repositories() -> dict[str, str]:
    cards = map(card, card_names())
    return {each.name: each.repository + (", gated: needs a token" if each.gated else "") for each in cards}


def _known_layouts(schema: dict[str, Any]) -> None:
    """Lists the layouts of the catalog's cards. A card of the user's own may have further ones."""
    known = {name: rule.why for name, rule in rules().layouts.items()}
    known |= {
        name: layout.why
        for each in map(card, card_names())
        for name, layout in each.layouts.items()
        if name not in known
    }
    layout = {"enum": list(known), "enumDescriptions": list(known.values())}
    own_card = {"properties": {"model": {"pattern": FILE}}}
    schema["allOf"] = [{"if": {"not": own_card}, "then": {"properties": {"layout": layout}}}]


class ModelSettings(Frozen):
    model_config = ConfigDict(json_schema_extra=_known_layouts)

    model: Annotated[str, NameOf(_repositories, file="./cards/ours.yaml"), Field(examples=["llama-3.3-70b-instruct"])]
    """The model to serve: a card of the catalog."""
    layout: Annotated[str, Field(examples=["multi-node"])]
    """How its engines are spread over GPUs and nodes: a layout of the catalog, or one of the card's own."""
    served_name: ServedName | None = None
    """Model name that clients send; the card's name if not set. Set it to keep the name when `model` changes."""
    prefill: RoleOverride | None = None
    """The role that computes prompts, of a disaggregated layout."""
    decode: RoleOverride | None = None
    """The role that generates tokens, of a disaggregated layout."""
    worker: RoleOverride | None = None
    """The only role of an aggregated layout."""
    frontend: FrontendSettings = Field(default_factory=FrontendSettings)
    """The OpenAI-compatible frontend with the KV-aware router."""
    engine: EngineSettings = Field(default_factory=EngineSettings)
    """The inference engine of all roles."""
    autoscaling: Autoscaling = Field(default_factory=Autoscaling)
    """Roles whose number of engines follows the load."""
    verification: VerificationMode = VerificationMode.REQUIRED
    """What happens if the deployment cannot be verified: that it answers, from both roles, with KV cache moved."""
    update_strategy: UpdateStrategy = UpdateStrategy.ROLLING_UPDATE
    """How an update replaces the engines. A change of it alone restarts them too, so set it with the update that needs
    it."""
    kv_transfer: KvTransfer | None = None
    """Transport of KV cache between GPU pods; RDMA if not set. `tcp` uses the pod network, even on nodes with NICs."""

    @property
    def overrides(self) -> dict[Role, RoleOverride]:
        pairs = ((Role.PREFILL, self.prefill), (Role.DECODE, self.decode), (Role.WORKER, self.worker))
        return {role: override for role, override in pairs if override}


# 30 characters leave room for suffixes: the operator's `<graph>-k8s-service-discovery-binding` may have 63.
GraphName = Annotated[
    str,
    Field(
        pattern=r"^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$",
        description="1 to 30 lower-case letters, digits and dashes, the first a letter, the last no dash",
        examples=["chat"],
    ),
]
