"""Converts a repository's config.json, which is untrusted, to a card's blocks `architecture` and `attention`."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from reading.errors import shown

# Larger than in any model: a larger number is a mistake or an attack. Products of several such numbers stay exact.
_MAX_NUMBER = 10**9


class ConfigNotRead(Exception):
    """config.json lacks facts that a card needs. The message is a sentence that says what to do."""


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """Facts from config.json, under the keys of a card."""

    architecture: dict[str, Any]
    """The block `architecture` without its key `source`."""
    attention: dict[str, Any]
    quantized: bool


class _Numbers:
    """Whole numbers of a config.json. Collects invalid ones, so that one error reports all."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.bad: list[str] = []

    def get(self, *keys: str, default: int | None = None) -> int:
        """The value of the first key that the file has. Records an invalid number and returns 1 for it."""
        key = next((key for key in keys if self.config.get(key) is not None), None)
        if key is None and default is not None:
            return default
        value = self.config.get(key) if key else None
        if type(value) is int and 1 <= value <= _MAX_NUMBER:
            return value
        self.bad.append(f"{key or keys[0]} is {shown(value) if key else 'missing'}")
        return 1


def _grouped(numbers: _Numbers, *, sinks: bool = False) -> dict[str, Any]:
    heads = numbers.get("num_attention_heads")
    return {
        "kind": "gqa",
        "heads": heads,
        "kvHeads": numbers.get("num_key_value_heads", default=heads),
        "headDim": numbers.get("head_dim", default=max(1, numbers.get("hidden_size") // heads)),
    } | ({"sinks": True} if sinks else {})


def _full_layers(numbers: _Numbers, layers: int, unlisted: int, other: str, what: str) -> int:
    """The layers with full attention that `layer_types` lists; `unlisted` without it.

    `other`: the name there of the other layers. `what`: what layers with full attention do, for an error.
    """
    full, types = unlisted, numbers.config.get("layer_types")
    if types is not None:
        known = ("full_attention", other)
        listed = cast(list[Any], types) if isinstance(types, list) else []
        if len(listed) != layers or any(kind not in known for kind in listed):
            numbers.bad.append(f"layer_types does not name one of {' and '.join(known)} for each layer")
        full = listed.count("full_attention")
    if not 0 < full < layers:
        numbers.bad.append(f"{full} of {layers} layers {what}")
    return full


def _windowed(numbers: _Numbers) -> dict[str, Any]:
    """gpt-oss: `layer_types` lists the layers that see the whole context; without it, every second layer does."""
    layers = numbers.get("num_hidden_layers")
    full = _full_layers(numbers, layers, layers // 2, "sliding_attention", "see the whole context")
    return _grouped(numbers, sinks=True) | {
        "kind": "hybrid",
        "fullLayers": full,
        "window": numbers.get("sliding_window"),
    }


def _gated_delta_net(numbers: _Numbers) -> dict[str, Any]:
    """Qwen3-Next: `layer_types` says which layers have full attention; every fourth one where it is missing.

    The shapes of a state are those of `MambaStateShapeCalculator.gated_delta_net_state_shape` in vLLM 0.31.0.
    """
    layers = numbers.get("num_hidden_layers")
    every = numbers.get("full_attention_interval", default=4)
    full = _full_layers(numbers, layers, layers // every, "linear_attention", "have full attention")
    heads, width = numbers.get("linear_num_value_heads"), numbers.get("linear_value_head_dim")
    key_heads, key_width = numbers.get("linear_num_key_heads"), numbers.get("linear_key_head_dim")
    kernel = numbers.get("linear_conv_kernel_dim")
    return _grouped(numbers) | {
        "kind": "linear",
        "fullLayers": full,
        "linearLayers": max(1, layers - full),
        "stateHeads": math.gcd(heads, key_heads),
        "stateElements": heads * width * key_width,
        "convElements": max(1, (2 * key_heads * key_width + heads * width) * (kernel - 1)),
    }


def _latent(numbers: _Numbers) -> dict[str, Any]:
    return {
        "kind": "mla",
        "heads": numbers.get("num_attention_heads"),
        "kvLoraRank": numbers.get("kv_lora_rank"),
        "ropeHeadDim": numbers.get("qk_rope_head_dim"),
    }


def _dense(numbers: _Numbers) -> dict[str, Any]:
    return {"kind": "dense", "intermediateSize": numbers.get("intermediate_size")}


def _experts(count: str, width: str, *active: str) -> Callable[[_Numbers], dict[str, Any]]:
    """A reader of a mixture of experts whose config.json has these keys."""

    def read(numbers: _Numbers) -> dict[str, Any]:
        shared = numbers.get("n_shared_experts", default=0)
        experts = {"count": numbers.get(count) + shared, "active": numbers.get(*active) + shared}
        if experts["active"] > experts["count"]:
            numbers.bad.append(f"{active[0]} exceeds {count}")
        return {"kind": "moe", "intermediateSize": numbers.get(width), "experts": experts}

    return read


_Read = Callable[[_Numbers], dict[str, Any]]

# Class in `architectures` → readers of its attention and of its layers. In each, a missing tie_word_embeddings means
# false. Keys as in the configuration classes of transformers 5.17.
_KNOWN: Mapping[str, tuple[_Read, _Read]] = {
    "LlamaForCausalLM": (_grouped, _dense),
    "MistralForCausalLM": (_grouped, _dense),
    "Qwen2ForCausalLM": (_grouped, _dense),
    "Qwen3ForCausalLM": (_grouped, _dense),
    "Qwen3MoeForCausalLM": (_grouped, _experts("num_experts", "moe_intermediate_size", "num_experts_per_tok")),
    "Qwen3NextForCausalLM": (
        _gated_delta_net,
        _experts("num_experts", "moe_intermediate_size", "num_experts_per_tok"),
    ),
    "MixtralForCausalLM": (_grouped, _experts("num_local_experts", "intermediate_size", "num_experts_per_tok")),
    "GptOssForCausalLM": (
        _windowed,
        _experts("num_local_experts", "intermediate_size", "num_experts_per_tok", "experts_per_token"),
    ),
    "DeepseekV3ForCausalLM": (
        _latent,
        _experts("n_routed_experts", "moe_intermediate_size", "num_experts_per_tok"),
    ),
}

BY_HAND = (
    "write architecture (kind, hiddenSize, layers, vocabSize, intermediateSize, tiedEmbeddings, maxModelLen) and "
    "attention (kind gqa, hybrid, linear or mla, with its numbers) into the card by hand, then pin with "
    "--keep-architecture"
)


def read(config: Any) -> ModelFacts:
    """The facts of a parsed config.json. Raises ConfigNotRead."""
    if not isinstance(config, dict):
        raise ConfigNotRead(f"config.json is no JSON object; {BY_HAND}")
    its = cast(dict[str, Any], config)
    names = its.get("architectures")
    name: Any = cast(list[Any], names)[0] if isinstance(names, list) and names else None
    if not isinstance(name, str) or name not in _KNOWN:
        raise ConfigNotRead(
            f"config.json: architectures {shown(names)} is not known here (known: {', '.join(_KNOWN)}); {BY_HAND}"
        )
    if its.get("use_sliding_window"):
        raise ConfigNotRead(f"config.json: use_sliding_window of {name} is not read here; {BY_HAND}")
    numbers = _Numbers(its)
    attention, layers = (part(numbers) for part in _KNOWN[name])
    tied = its.get("tie_word_embeddings", False)
    if type(tied) is not bool:
        numbers.bad.append(f"tie_word_embeddings is {shown(tied)}")
    architecture = {
        "kind": layers["kind"],
        "hiddenSize": numbers.get("hidden_size"),
        "layers": numbers.get("num_hidden_layers"),
        "vocabSize": numbers.get("vocab_size"),
        "intermediateSize": layers["intermediateSize"],
        "tiedEmbeddings": tied,
        "maxModelLen": numbers.get("max_position_embeddings"),
    } | ({"experts": layers["experts"]} if "experts" in layers else {})
    if numbers.bad:
        raise ConfigNotRead(f"config.json: {', '.join(dict.fromkeys(numbers.bad))}; {BY_HAND}")
    return ModelFacts(architecture=architecture, attention=attention, quantized=bool(its.get("quantization_config")))
