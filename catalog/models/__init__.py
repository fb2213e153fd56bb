"""The model catalogue: what is known of each model, and the layouts it is served in. One card a file in models/."""

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from catalog.contracts import Role
from reading import entries
from reading.frozen import Frozen

FOLDER = Path(__file__).parent


class Placement(StrEnum):
    SHARED = "shared"
    """All roles of a graph on one node."""
    PER_ROLE = "perRole"
    """A node pool for each role."""
    CPU = "cpu"
    """No GPU: simulated engines on the system pool."""


Count = Annotated[int, Field(ge=1)]

GitHash = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{40}$",
        description="the 40 hexadecimal digits of a git hash, in lower case",
        examples=["0123456789abcdef0123456789abcdef01234567"],
    ),
]


class RoleLayout(Frozen):
    replicas: Count
    tensor_parallel: Count
    """GPUs of one engine."""


class Layout(Frozen):
    placement: Placement
    why: str
    """One sentence for the reader of a preview."""
    prefill: RoleLayout | None = None
    decode: RoleLayout | None = None
    worker: RoleLayout | None = None

    @model_validator(mode="after")
    def _roles_are_a_pair_or_one_worker(self) -> "Layout":
        given = set(self.roles)
        if given not in ({Role.PREFILL, Role.DECODE}, {Role.WORKER}):
            raise ValueError("a layout has prefill and decode, or worker alone")
        return self

    @property
    def roles(self) -> dict[Role, RoleLayout]:
        pairs = ((Role.PREFILL, self.prefill), (Role.DECODE, self.decode), (Role.WORKER, self.worker))
        return {role: layout for role, layout in pairs if layout}

    @property
    def gpus(self) -> int:
        """Of all engines together; none where they are simulated."""
        if self.placement is Placement.CPU:
            return 0
        return sum(role.replicas * role.tensor_parallel for role in self.roles.values())


class Weights(Frozen):
    format: Literal["bf16", "fp8", "mxfp4"]
    bytes_per_parameter: Literal[1, 2] | None = None
    """Of the linear layers; embeddings, norms and the output layer stay at 2 bytes."""
    total_bytes: Count | None = None
    """`metadata.total_size` of the safetensors index; needed where the sum over layers does not hold (experts)."""

    @model_validator(mode="after")
    def _one_way_to_size(self) -> "Weights":
        if (self.bytes_per_parameter is None) is (self.total_bytes is None):
            raise ValueError("give bytesPerParameter (dense) or totalBytes (mixture of experts)")
        return self


class WeightsFile(Frozen):
    """One file of the pinned revision: its size in bytes and the hash that the hub's index has for it."""

    size: Annotated[int, Field(ge=0)]
    sha256: (
        Annotated[
            str,
            Field(
                pattern=r"^[0-9a-f]{64}$",
                description="the 64 hexadecimal digits of a SHA-256, in lower case",
                examples=["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
            ),
        ]
        | None
    ) = None
    """Of the content; for the large files, which the hub keeps in LFS."""
    git_sha1: GitHash | None = None
    """Of the git blob, for the small ones."""

    @model_validator(mode="after")
    def _one_hash(self) -> "WeightsFile":
        if (self.sha256 is None) is (self.git_sha1 is None):
            raise ValueError("a file has a sha256 or a gitSha1")
        return self


class Architecture(Frozen):
    """The numbers of config.json that memory depends on."""

    source: str
    kind: Literal["dense", "moe"]
    hidden_size: Count
    layers: Count
    vocab_size: Count
    intermediate_size: Count
    heads: Count
    kv_heads: Count
    head_dim: Count
    tied_embeddings: bool
    max_model_len: Count
    attention_sinks: bool = False
    """Whether attention has learned sinks, which not every backend computes."""


class Card(Frozen):
    """One model. `repository` is a model hub's; `revision` its commit, or None while none could be established."""

    name: str
    repository: str
    revision: GitHash | None
    revision_source: str
    files: Annotated[dict[str, WeightsFile], Field(min_length=1)] | None = None
    """What serving needs of the revision, by path, as `ops models pin` writes it; None while no hub was asked."""
    licence: str
    gated: bool
    weights: Weights
    architecture: Architecture
    loader: Literal["vllm", "runaiStreamer"] = "vllm"
    """How an engine reads the weights: vLLM's own way, a file after the other, or many at once by the Run:ai streamer.
    Unverified that the runtime image holds the streamer."""
    default_max_model_len: Count
    """Tokens of prompt and answer together that a worker is started for unless the stack says otherwise."""
    layouts: dict[str, Layout]

    @model_validator(mode="after")
    def _sized_as_what_it_is(self) -> "Card":
        if self.architecture.kind == "moe" and self.weights.total_bytes is None:
            raise ValueError(
                "weights.bytesPerParameter: a mixture of experts (architecture.kind: moe) needs weights.totalBytes "
                "instead, metadata.total_size of model.safetensors.index.json; the sum over layers counts one expert "
                "only, a small part of the weights"
            )
        if self.default_max_model_len > self.architecture.max_model_len:
            raise ValueError(
                f"defaultMaxModelLen: {self.default_max_model_len} exceeds architecture.maxModelLen, "
                f"{self.architecture.max_model_len}"
            )
        return self


# The same on every card: no GPUs to divide a model over, so nothing depends on the model.
SIMULATED = "simulated"
_SIMULATED_LAYOUT = Layout(
    placement=Placement.CPU,
    why="Dynamo's mocker in place of the engine: the real frontend, router and discovery, on CPU nodes",
    prefill=RoleLayout(replicas=1, tensor_parallel=1),
    decode=RoleLayout(replicas=1, tensor_parallel=1),
)


def card_names() -> tuple[str, ...]:
    return entries.names(FOLDER)


@cache
def card(name: str) -> Card:
    """The card of that name, with the simulated layout that every card has.

    Raises FileNotFoundError without a file, ConfigInvalid with every error in it.
    """
    read = entries.entry(Card, FOLDER, name)
    return read.model_copy(update={"layouts": {SIMULATED: _SIMULATED_LAYOUT, **read.layouts}})
