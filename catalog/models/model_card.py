"""ModelCard: facts of one model, and nothing of a stack."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from catalog.formats import Format
from catalog.models import former
from catalog.models.attention import Attention, Count, Hybrid
from catalog.models.layout import Layout
from reading.frozen import Frozen

GitHash = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{40}$",
        description="the 40 hexadecimal digits of a git hash, in lower case",
        examples=["0123456789abcdef0123456789abcdef01234567"],
    ),
]

CardName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$",
        description="a name for a card, which is that of its file without .yaml: 1 to 63 lower-case letters, digits, "
        "dots and dashes, the first and the last a letter or digit",
        examples=["llama-3.3-70b-ours"],
    ),
]

# A folder of the weights bucket, and part of an address.
Repository = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$",
        description="a repository of a model hub: ORGANIZATION/NAME, of letters, digits, dots, dashes and underscores",
        examples=["Qwen/Qwen3-32B"],
    ),
]


class Weights(Frozen):
    format: Format
    """Of the linear layers; embeddings, norms and the output layer stay at 2 bytes."""
    total_bytes: Count | None = None
    """`metadata.total_size` of the safetensors index; needed where the sum over layers does not hold."""


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


class Experts(Frozen):
    """The experts of one layer."""

    count: Count
    active: Count
    """How many a token passes through, shared ones included."""


class Architecture(Frozen):
    """The numbers of config.json that memory depends on, but for those of attention."""

    source: str
    kind: Literal["dense", "moe"]
    hidden_size: Count
    layers: Count
    vocab_size: Count
    intermediate_size: Count
    """Of the MLP; of one expert in a mixture of experts."""
    tied_embeddings: bool
    max_model_len: Count
    experts: Experts | None = None


class CardLayout(Layout):
    """A layout that a card has for a reason of its own."""

    machines: tuple[str, ...] = ()
    """Machines that the numbers are meant for; empty: every machine."""

    def applies_to(self, machine: str) -> bool:
        return not self.machines or machine in self.machines


class Card(Frozen):
    """One model. `repository` is a model hub's; `revision` its commit, or None while none could be established."""

    name: CardName
    repository: Repository
    revision: GitHash | None
    revision_source: str
    files: Annotated[dict[str, WeightsFile], Field(min_length=1)] | None = None
    """What serving needs of the revision, by path, as `ops models pin` writes it; None while no hub was asked."""
    license: str
    gated: bool
    weights: Weights
    architecture: Architecture
    attention: Attention
    loader: Literal["vllm", "runaiStreamer"] = "vllm"
    """How an engine reads the weights: vLLM's own way, a file after the other, or many at once by the Run:ai streamer.
    Unverified that the runtime image holds the streamer."""
    engine_args: dict[str, tuple[str, ...]] = {}
    """By engine: words at the end of every worker's command line, before the stack's own, such as the names of the
    model's tool-call and reasoning parsers. A flag that the stack gives itself takes the place of the card's."""
    default_max_model_len: Count
    """Tokens of prompt and answer together that a worker is started for unless the stack says otherwise."""
    layouts: dict[str, CardLayout] = {}
    """Layouts that take the place of what `catalog/layouts.yaml` gives, or are added to them: where a prediction or a
    published recipe is a reason."""

    @classmethod
    def from_wire(cls, plain: Any) -> Self:
        return super().from_wire(former.renamed(plain))

    @model_validator(mode="after")
    def _consistent(self) -> "Card":
        architecture, attention = self.architecture, self.attention
        if self.weights.total_bytes is None and (architecture.kind == "moe" or attention.kind == "mla"):
            raise ValueError(
                "weights.totalBytes: is required for a mixture of experts (architecture.kind moe) and for latent "
                "attention (attention.kind mla): metadata.total_size of model.safetensors.index.json. The sum over "
                "layers holds for dense models with grouped-query attention only"
            )
        if self.default_max_model_len > architecture.max_model_len:
            raise ValueError(
                f"defaultMaxModelLen: {self.default_max_model_len} exceeds architecture.maxModelLen, "
                f"{architecture.max_model_len}"
            )
        if isinstance(attention, Hybrid) and attention.full_layers >= architecture.layers:
            raise ValueError(
                f"attention.fullLayers: {attention.full_layers} must be fewer than architecture.layers, "
                f"{architecture.layers}; if all layers see the whole context, the kind is gqa"
            )
        if architecture.experts and architecture.kind == "dense":
            raise ValueError("architecture.experts: a dense model has none; set architecture.kind to moe, or remove it")
        if (experts := architecture.experts) and experts.active > experts.count:
            raise ValueError(f"architecture.experts.active: {experts.active} exceeds count, {experts.count}")
        return self
