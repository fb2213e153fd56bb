"""`Card`: the facts about one model, without any setting of a stack."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from catalog.formats import Format
from catalog.models import former
from catalog.models.attention import Attention, Count, Hybrid, Linear
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

# A folder of the weights bucket, and part of a URL.
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
    """Format of the linear layers; embeddings, norms and the output layer have 2 bytes per parameter."""
    total_bytes: Count | None = None
    """`metadata.total_size` of the safetensors index; required where the sum over layers would be wrong."""


class WeightsFile(Frozen):
    """One file of the pinned revision: its size in bytes and its hash in the hub's index."""

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
    """Hash of the content, for large files, which the hub keeps in LFS."""
    git_sha1: GitHash | None = None
    """Hash of the git blob, for small files."""

    @model_validator(mode="after")
    def _one_hash(self) -> "WeightsFile":
        if (self.sha256 is None) is (self.git_sha1 is None):
            raise ValueError("a file has a sha256 or a gitSha1")
        return self


class Experts(Frozen):
    """The experts of one layer."""

    count: Count
    active: Count
    """Experts that a token passes through, shared ones included."""


class Architecture(Frozen):
    """The numbers of config.json that memory depends on, except those of attention."""

    source: str
    kind: Literal["dense", "moe"]
    hidden_size: Count
    layers: Count
    vocab_size: Count
    intermediate_size: Count
    """Width of the MLP, or of one expert in a mixture of experts."""
    tied_embeddings: bool
    max_model_len: Count
    experts: Experts | None = None


class CardLayout(Layout):
    """A layout of the card itself, in place of the one derived from layouts.yaml."""

    machines: tuple[str, ...] = ()
    """Machines that the layout applies to; empty: every machine."""

    def applies_to(self, machine: str) -> bool:
        return not self.machines or machine in self.machines


class Card(Frozen):
    """Facts about one model. `revision` is a commit of `repository` on its hub; None until `ops models pin` sets it."""

    name: CardName
    repository: Repository
    revision: GitHash | None
    revision_source: str
    files: Annotated[dict[str, WeightsFile], Field(min_length=1)] | None = None
    """Path → file of the revision that serving needs; None until `ops models pin` writes it."""
    license: str
    gated: bool
    weights: Weights
    architecture: Architecture
    attention: Attention
    loader: Literal["vllm", "runaiStreamer"] = "vllm"
    """Loader of the weights: vLLM's own, one file after another, or the Run:ai streamer, many files at once. We have
    not verified that the runtime image contains the streamer."""
    engine_args: dict[str, tuple[str, ...]] = {}
    """Engine → arguments near the end of every worker's command line, before the stack's own, such as the model's
    tool-call and reasoning parsers. A flag of the stack replaces the same flag of the card."""
    default_max_model_len: Count
    """Default limit of prompt and answer together, tokens."""
    layouts: dict[str, CardLayout] = {}
    """Layouts that replace those derived from `catalog/layouts.yaml`, or are added to them, because of a prediction or
    a published recipe."""

    @classmethod
    def from_wire(cls, plain: Any) -> Self:
        return super().from_wire(former.renamed(plain))

    @model_validator(mode="after")
    def _consistent(self) -> "Card":
        architecture, attention = self.architecture, self.attention
        if self.weights.total_bytes is None and (architecture.kind == "moe" or attention.kind in ("mla", "linear")):
            raise ValueError(
                "weights.totalBytes: is required for a mixture of experts (architecture.kind moe) and for latent and "
                "linear attention (attention.kind mla, linear): metadata.total_size of model.safetensors.index.json. "
                "The sum over layers holds for dense models with grouped-query attention only"
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
        if isinstance(attention, Linear) and attention.full_layers + attention.linear_layers > architecture.layers:
            raise ValueError(
                f"attention: {attention.full_layers} fullLayers and {attention.linear_layers} linearLayers exceed "
                f"architecture.layers, {architecture.layers}"
            )
        if architecture.experts and architecture.kind == "dense":
            raise ValueError("architecture.experts: a dense model has none; set architecture.kind to moe, or remove it")
        if (experts := architecture.experts) and experts.active > experts.count:
            raise ValueError(f"architecture.experts.active: {experts.active} exceeds count, {experts.count}")
        return self
