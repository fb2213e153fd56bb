"""Values that vLLM's parser accepts, but that fail at start, or that a stack must not set."""

import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from catalog.engines.vllm import kernels
from catalog.flags import ArgumentError, json_object
from catalog.flags.given import Given, Workers
from catalog.flags.paths import why_unreadable
from catalog.models import card_names
from reading.errors import nearest, shown

# The keys of JSON objects that a stack may set. Other keys name classes and files, or repeat decisions of the plan.
_KEYS = {
    "--attention-config": ("backend", "flash_attn_version"),
    "--compilation-config": (
        "compile_sizes",
        "cudagraph_capture_sizes",
        "cudagraph_mode",
        "cudagraph_num_of_warmups",
        "max_cudagraph_capture_size",
        "mode",
    ),
    "--kernel-config": ("enable_flashinfer_autotune", "enable_jit_warmup", "linear_backend", "moe_backend"),
    "--override-generation-config": (
        "max_new_tokens",
        "min_p",
        "presence_penalty",
        "repetition_penalty",
        "temperature",
        "top_k",
        "top_p",
    ),
    "--reasoning-config": ("reasoning_end_str", "reasoning_parser", "reasoning_start_str"),
    "--structured-outputs-config": (
        "backend",
        "disable_additional_properties",
        "disable_any_whitespace",
        "enable_in_reasoning",
        "reasoning_parser",
    ),
}
# Card's loader → keys that it takes: `DefaultModelLoader` and `RunaiModelStreamerLoader`, vLLM 0.31.0.
_LOADER_KEYS: dict[str, dict[str, type]] = {
    "vllm": {"enable_multithread_load": bool, "num_threads": int},
    "runaiStreamer": {"concurrency": int, "distributed": bool, "memory_limit": int},
}


class _Sampling(NamedTuple):
    """A valid range of `SamplingParams._verify_args`, vLLM 0.31.0. A default outside it makes every request fail."""

    words: str
    kinds: tuple[type, ...]
    min: float
    max: float = sys.float_info.max

    def takes(self, value: Any) -> bool:
        return value is None or (type(value) in self.kinds and self.min <= value <= self.max)


_WHOLE, _ANY = (int,), (int, float)
_ABOVE_0 = sys.float_info.min
_SAMPLING = {
    "max_new_tokens": _Sampling("a whole number of at least 1", _WHOLE, 1),
    "min_p": _Sampling("a number from 0 to 1", _ANY, 0, 1),
    "presence_penalty": _Sampling("a number from -2 to 2", _ANY, -2, 2),
    "repetition_penalty": _Sampling("a number above 0", _ANY, _ABOVE_0),
    "temperature": _Sampling("a number from 0 to 2", _ANY, 0, 2),
    "top_k": _Sampling("a whole number of at least -1; -1 and 0 mean all tokens", _WHOLE, -1),
    "top_p": _Sampling("a number above 0, at most 1", _ANY, _ABOVE_0, 1),
}

Rule = Callable[[str, Workers], Iterator[str]]


def usable(workers: Workers) -> dict[str, tuple[str, ...]]:
    """Flag → the values that these workers can use and errors may propose, where the runtime knows more."""
    return {**kernels.usable(workers), "--prefix-caching-hash-algo": ("sha256", "sha256_cbor")}


def owned(workers: Workers) -> dict[str, str]:
    """Flag → reason why a stack may not set it for workers of this card, where the flag's class does not say so."""
    card = workers.card
    if card.weights.format != "bf16":
        return {
            "--quantization": f"the checkpoint of {card.name} is in {card.weights.format} already and says itself how "
            "it is read; remove it"
        }
    fp8 = f"{card.name}-fp8"
    return {
        "--quantization": "the plan counts the weights as the card has them, in BF16; use a card with weights in fewer "
        f"bits{f', such as {fp8}' if fp8 in card_names() else ', written for such a checkpoint (docs/weights.md)'}"
    }


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    """The errors of single values."""
    for key, value in given.keys("--override-generation-config").items():
        if (wanted := _SAMPLING.get(key)) and not wanted.takes(value):
            yield given.error("--override-generation-config", f"{key}: got {shown(value)}; must be {wanted.words}")
    for name, rule in _RULES.items():
        value = given.text(name)
        for message in () if value is None else rule(value, workers):
            yield given.error(name, message)
    for name, allowed in _KEYS.items():
        for key in (key for key in given.keys(name) if key not in allowed):
            yield given.error(name, f"{key} may not be set here{nearest(key, allowed)}; allowed: {', '.join(allowed)}")
    yield from _backend_errors(given, workers)


def _backend_errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    """Errors of backends in a JSON flag, by the rule of the plain flag with the same meaning."""
    for name, key, rule in (
        ("--attention-config", "backend", kernels.attention_errors),
        ("--kernel-config", "linear_backend", kernels.linear_errors),
        ("--kernel-config", "moe_backend", kernels.moe_errors),
    ):
        value = given.keys(name).get(key)
        for message in rule(str(value), workers) if value else ():
            yield given.error(name, f"{key}: {message}")
    version = given.keys("--attention-config").get("flash_attn_version")
    for message in kernels.flash_attention_errors(version, workers) if type(version) is int else ():
        yield given.error("--attention-config", f"flash_attn_version: {message}")


def _hash_algorithm(value: str, workers: Workers) -> Iterator[str]:
    if value.startswith("xxhash"):
        yield f"{value} needs a package that the image is not known to hold; use sha256 or sha256_cbor"


def _retention(value: str, workers: Workers) -> Iterator[str]:
    if value.isdecimal() and int(value) % workers.block_size:
        nearest_one = max(1, round(int(value) / workers.block_size)) * workers.block_size
        yield f"{value} is not a multiple of the block size, {workers.block_size}; use {nearest_one}"


def _executor(value: str, workers: Workers) -> Iterator[str]:
    if value != "mp":
        yield f"{shown(value)} is not how an engine runs in one pod; use mp, or remove it"


def _generation_config(value: str, workers: Workers) -> Iterator[str]:
    if value not in ("auto", "vllm") and (why := why_unreadable(value, workers)):
        yield f"{shown(value)} {why}; or use auto (the model's own) or vllm (none)"


def _loader(value: str, workers: Workers) -> Iterator[str]:
    allowed = _LOADER_KEYS[workers.card.loader]
    given = json_object(value)
    if isinstance(given, str):
        yield given
        return
    for key, content in given.items():
        wanted = allowed.get(key)
        if wanted is None:
            yield (
                f"{key} is not a key of the card's loader, {workers.card.loader}"
                f"{nearest(key, tuple(allowed))}; allowed: {', '.join(allowed)}"
            )
        elif type(content) is not wanted or (wanted is int and content < 1):
            yield f"{key}: got {shown(content)}; must be {'true or false' if wanted is bool else 'at least 1'}"


_RULES: dict[str, Rule] = {
    "--attention-backend": kernels.attention_errors,
    "--distributed-executor-backend": _executor,
    "--generation-config": _generation_config,
    "--linear-backend": kernels.linear_errors,
    "--model-loader-extra-config": _loader,
    "--moe-backend": kernels.moe_errors,
    "--prefix-cache-retention-interval": _retention,
    "--prefix-caching-hash-algo": _hash_algorithm,
}
