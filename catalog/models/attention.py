"""How a model attends, as far as memory and tensor parallel sizes depend on it. Each kind has its own numbers."""

from typing import Annotated, Literal

from pydantic import Field

from reading.frozen import Frozen

Count = Annotated[int, Field(ge=1)]


class _SharedHeads(Frozen):
    """Keys and values in heads, each shared by several query heads."""

    heads: Count
    kv_heads: Count
    head_dim: Count
    sinks: bool = False
    """Whether attention has learned sinks, which not every backend computes."""

    @property
    def words(self) -> str:
        return f"{self.heads} heads, {self.kv_heads} KV heads"

    def divides(self, tensor_parallel: int) -> bool:
        """Whether heads and KV heads can be dealt out evenly to that many GPUs."""
        even_kv = self.kv_heads % tensor_parallel == 0 or tensor_parallel % self.kv_heads == 0
        return self.heads % tensor_parallel == 0 and even_kv

    def _elements(self, layers: int, tensor_parallel: int) -> int:
        """Beyond one KV head a GPU the heads are replicated: each GPU holds a whole one."""
        return 2 * layers * max(1, self.kv_heads // tensor_parallel) * self.head_dim


class GroupedQuery(_SharedHeads):
    """Grouped-query attention; multi-head attention is the case of as many KV heads as heads."""

    kind: Literal["gqa"]

    def elements_per_token(self, layers: int, tensor_parallel: int) -> int:
        """Numbers that each GPU keeps of a token as long as its sequence lives."""
        return self._elements(layers, tensor_parallel)

    def elements_in_window(self, layers: int, tensor_parallel: int) -> int:
        """Numbers that each GPU keeps of a token only while it is inside the window."""
        return 0


class Hybrid(_SharedHeads):
    """Grouped-query attention in which some layers see the whole context and the others a sliding window."""

    kind: Literal["hybrid"]
    full_layers: Count
    """Layers that see the whole context."""
    window: Count
    """Tokens that each other layer sees."""

    def elements_per_token(self, layers: int, tensor_parallel: int) -> int:
        """As `GroupedQuery`, of the layers that see the whole context."""
        return self._elements(self.full_layers, tensor_parallel)

    def elements_in_window(self, layers: int, tensor_parallel: int) -> int:
        """As `GroupedQuery`, of the other layers."""
        return self._elements(layers - self.full_layers, tensor_parallel)


class Latent(Frozen):
    """Multi-head latent attention: one compressed vector a token and layer, from which all heads are computed."""

    kind: Literal["mla"]
    heads: Count
    kv_lora_rank: Count
    """Length of the compressed vector, `kv_lora_rank` of config.json."""
    rope_head_dim: Count
    """Length of the part that holds the position, `qk_rope_head_dim` of config.json."""
    sinks: Literal[False] = False

    @property
    def words(self) -> str:
        return f"{self.heads} heads"

    @property
    def kv_heads(self) -> int:
        """One for all heads, as engines count it."""
        return 1

    def divides(self, tensor_parallel: int) -> bool:
        """As `GroupedQuery`; the compressed vector need not be divided."""
        return self.heads % tensor_parallel == 0

    def elements_per_token(self, layers: int, tensor_parallel: int) -> int:
        """As `GroupedQuery`: the whole vector on every GPU, whatever the tensor parallel size is."""
        return layers * (self.kv_lora_rank + self.rope_head_dim)

    def elements_in_window(self, layers: int, tensor_parallel: int) -> int:
        """None: every layer sees the whole context."""
        return 0


Attention = Annotated[GroupedQuery | Hybrid | Latent, Field(discriminator="kind")]
