"""Kinds of attention, with the numbers that memory and tensor-parallel sizes depend on."""

from typing import Annotated, Literal

from pydantic import Field

from reading.frozen import Frozen

Count = Annotated[int, Field(ge=1)]


class _SharedHeads(Frozen):
    """Attention whose KV heads are each shared by several query heads."""

    heads: Count
    kv_heads: Count
    head_dim: Count
    sinks: bool = False
    """Whether attention has learned sinks, which not every backend supports."""

    @property
    def words(self) -> str:
        return f"{self.heads} heads, {self.kv_heads} KV heads"

    def divides(self, tensor_parallel: int) -> bool:
        """Whether that many GPUs can share heads and KV heads evenly."""
        even_kv = self.kv_heads % tensor_parallel == 0 or tensor_parallel % self.kv_heads == 0
        return self.heads % tensor_parallel == 0 and even_kv

    def bytes_per_sequence(self, tensor_parallel: int) -> int:
        """Bytes that each GPU keeps of a sequence, however long it is."""
        return 0

    def _elements(self, layers: int, tensor_parallel: int) -> int:
        """Numbers per token on each GPU. With more GPUs than KV heads, each GPU holds one replicated head."""
        return 2 * layers * max(1, self.kv_heads // tensor_parallel) * self.head_dim


class GroupedQuery(_SharedHeads):
    """Grouped-query attention; also multi-head attention, which has as many KV heads as heads."""

    kind: Literal["gqa"]

    def elements_per_token(self, layers: int, tensor_parallel: int) -> int:
        """Numbers per token that each GPU keeps for the lifetime of the sequence."""
        return self._elements(layers, tensor_parallel)

    def elements_in_window(self, layers: int, tensor_parallel: int) -> int:
        """Numbers per token that each GPU keeps only while the token is inside the sliding window."""
        return 0


class Hybrid(_SharedHeads):
    """Grouped-query attention in which some layers see the whole context and the others a sliding window."""

    kind: Literal["hybrid"]
    full_layers: Count
    """Layers that see the whole context."""
    window: Count
    """Tokens that each other layer sees."""

    def elements_per_token(self, layers: int, tensor_parallel: int) -> int:
        """Same as `GroupedQuery`, for the layers that see the whole context."""
        return self._elements(self.full_layers, tensor_parallel)

    def elements_in_window(self, layers: int, tensor_parallel: int) -> int:
        """Same as `GroupedQuery`, for the other layers."""
        return self._elements(layers - self.full_layers, tensor_parallel)


class Linear(_SharedHeads):
    """Some layers with grouped-query attention, the others with linear attention or a state space (Mamba): these keep
    a state of constant size for each sequence, however long it is."""

    kind: Literal["linear"]
    full_layers: Count
    """Layers with attention over the whole context."""
    linear_layers: Count
    """Layers with a state. Together with the others at most `architecture.layers`: some models have layers with
    neither."""
    state_heads: Count
    """Heads that the state is divided by, over the GPUs of an engine."""
    state_elements: Count
    """Numbers in the state of one layer: heads × their two dimensions."""
    state_bytes: Literal[2, 4] = 4
    """Of each of those; config.json names its dtype, float32 in most models."""
    conv_elements: Count
    """Numbers in the convolution's state of one layer, 16 bits each: its width × (its kernel - 1)."""

    @property
    def words(self) -> str:
        return f"{super().words}, {self.state_heads} heads of linear layers"

    def divides(self, tensor_parallel: int) -> bool:
        """As `GroupedQuery`, and the heads of the state."""
        return super().divides(tensor_parallel) and self.state_heads % tensor_parallel == 0

    def elements_per_token(self, layers: int, tensor_parallel: int) -> int:
        """As `GroupedQuery`, of the layers with attention."""
        return self._elements(self.full_layers, tensor_parallel)

    def elements_in_window(self, layers: int, tensor_parallel: int) -> int:
        """None: no layer has a window."""
        return 0

    def bytes_per_sequence(self, tensor_parallel: int) -> int:
        """Bytes that each GPU keeps of a sequence, however long it is. A state does not follow the KV cache's dtype."""
        return self.linear_layers * (2 * self.conv_elements + self.state_bytes * self.state_elements) // tensor_parallel


class Latent(Frozen):
    """Multi-head latent attention: all heads are computed from one compressed vector per token and layer."""

    kind: Literal["mla"]
    heads: Count
    kv_lora_rank: Count
    """Length of the compressed vector, `kv_lora_rank` of config.json."""
    rope_head_dim: Count
    """Length of the positional part, `qk_rope_head_dim` of config.json."""
    sinks: Literal[False] = False

    @property
    def words(self) -> str:
        return f"{self.heads} heads"

    @property
    def kv_heads(self) -> int:
        """Engines count one KV head for all heads."""
        return 1

    def divides(self, tensor_parallel: int) -> bool:
        """Whether that many GPUs can share the heads evenly; the compressed vector is not divided."""
        return self.heads % tensor_parallel == 0

    def elements_per_token(self, layers: int, tensor_parallel: int) -> int:
        """Same as `GroupedQuery`: the whole vector on every GPU, for any tensor-parallel size."""
        return layers * (self.kv_lora_rank + self.rope_head_dim)

    def elements_in_window(self, layers: int, tensor_parallel: int) -> int:
        """Zero: every layer sees the whole context."""
        return 0

    def bytes_per_sequence(self, tensor_parallel: int) -> int:
        """As `GroupedQuery`: nothing."""
        return 0


Attention = Annotated[GroupedQuery | Hybrid | Linear | Latent, Field(discriminator="kind")]
