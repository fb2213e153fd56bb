"""Rules of speculative decoding: the drafting method, its weights, and the flags that it excludes."""

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers
from catalog.flags.paths import why_unreadable
from reading.errors import nearest, shown

# Methods that draft from the text itself, without a model.
_NGRAM = ("ngram", "ngram_gpu")
# Methods whose draft model has its own folder.
_DRAFTS = ("draft_model", "eagle", "eagle3", "medusa", "mlp_speculator")

# The methods that `--async-scheduling` takes: `VllmConfig.__post_init__`, vLLM 0.31.0.
_ASYNC = ("ngram_gpu", "draft_model", "eagle", "eagle3")

# Why other methods are refused.
_OTHER = {
    "suffix": "it needs the package arctic-inference, which the image does not hold",
    "custom_class": "it runs code of others",
    "extract_hidden_states": "it is for training drafts, not for serving",
}

_KEYS = {
    "method": str,
    "model": str,
    "num_speculative_tokens": int,
    "prompt_lookup_min": int,
    "prompt_lookup_max": int,
    "draft_tensor_parallel_size": int,
    "disable_padded_drafter_batch": bool,
}

_CONFIG = "--speculative-config"
_FLAGS = {"--spec-method": "method", "--spec-model": "model", "--spec-tokens": "num_speculative_tokens"}


def draft(given: Given) -> str | None:
    """The folder of the draft model that valid extra arguments name; None where no draft model is used."""
    model = given.text("--spec-model") or given.keys(_CONFIG).get("model")
    return model if isinstance(model, str) and model not in (*_NGRAM, "[ngram]") else None


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    """The errors of speculation settings, given as one object or as flags."""
    short = [name for name in _FLAGS if name in given]
    if short and _CONFIG in given:
        yield given.error(short[0], f"says again what {_CONFIG} says; give one of the two")
        return
    if not short and _CONFIG not in given:
        if given.text("--per-request-spec-decode-metrics") not in (None, "none"):
            yield given.error(
                "--per-request-spec-decode-metrics", f"counts drafted tokens, and nothing drafts; add {_CONFIG}"
            )
        return
    config: dict[str, Any] = dict(given.keys(_CONFIG))
    for name in short:
        config[_FLAGS[name]] = given.number(name) if name == "--spec-tokens" else given.text(name)
    where = {_FLAGS[name]: name for name in short}
    for key, message in _config_errors(config, workers):
        yield given.error(where.get(key, short[0] if short else _CONFIG), message)
    yield from _async_scheduling(given, config)


def _async_scheduling(given: Given, config: Mapping[str, Any]) -> Iterator[ArgumentError]:
    method = _method(config)
    if given.on("--async-scheduling") and method in (*_NGRAM, *_DRAFTS) and method not in _ASYNC:
        yield given.error(
            "--async-scheduling",
            f"vLLM refuses it together with speculation by {method}; remove --async-scheduling, or use ngram_gpu",
        )
    elif given.on("--async-scheduling") and config.get("disable_padded_drafter_batch"):
        yield given.error(
            "--async-scheduling", "is refused together with disable_padded_drafter_batch; remove one of them"
        )


def _method(config: Mapping[str, Any]) -> Any:
    """The method, given directly or by a model's name: `SpeculativeConfig.__post_init__`, vLLM 0.31.0."""
    model = config.get("model")
    if config.get("method") is not None or model is None:
        return config.get("method")
    return "draft_model" if model not in (*_NGRAM, "[ngram]") else str(model).strip("[]")


def _config_errors(config: Mapping[str, Any], workers: Workers) -> Iterator[tuple[str, str]]:
    """Key and message of each error."""
    yield from _key_errors(config)
    method = _method(config)
    allowed = (*_NGRAM, *_DRAFTS)
    if method is None:
        yield "method", f"must say how tokens are drafted, in method: one of {', '.join(allowed)}"
    elif isinstance(method, str) and method not in allowed:
        why = _OTHER.get(method, "no card has weights for it")
        if method == "mtp" and workers.disaggregated and workers.card.attention.kind == "linear":
            why = "with layers of linear state it crashes when KV cache moves (ai-dynamo/dynamo issue 12198)"
        yield "method", f"method {shown(method)} is not supported here: {why}; use one of {', '.join(allowed)}"
    elif isinstance(method, str):  # other types are reported by _key_errors
        yield from _number_errors(method, config, workers)
        yield from _model_errors(method, config.get("model"), workers)


def _key_errors(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Errors of unknown keys, and of values of the wrong type."""
    for key, value in config.items():
        wanted = _KEYS.get(key)
        if wanted is None:
            allowed = ", ".join(_KEYS)
            yield key, f"{key} is not a key that may be set here{nearest(key, tuple(_KEYS))}; allowed: {allowed}"
        elif type(value) is not wanted:
            yield key, f"{key}: got {shown(value)}; must be {_WORDS[wanted]}"
        elif isinstance(value, int) and wanted is int and value < 1:
            yield key, f"{key}: got {value}; must be at least 1"


def _number_errors(method: str, config: Mapping[str, Any], workers: Workers) -> Iterator[tuple[str, str]]:
    if config.get("num_speculative_tokens") is None:
        yield "method", f"{method} needs num_speculative_tokens, such as 3"
    low, high = config.get("prompt_lookup_min"), config.get("prompt_lookup_max")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield "prompt_lookup_min", f"prompt_lookup_min {low} is more than prompt_lookup_max {high}"
    parallel = config.get("draft_tensor_parallel_size")
    if method in _DRAFTS and type(parallel) is int and any(parallel not in (1, n) for n in workers.tensor_parallel):
        sizes = sorted({1, *workers.tensor_parallel} if len(set(workers.tensor_parallel)) == 1 else {1})
        yield (
            "draft_tensor_parallel_size",
            f"draft_tensor_parallel_size {parallel} is neither 1 nor tensorParallel of each role, "
            f"{' and '.join(map(str, workers.tensor_parallel))}; use {' or '.join(map(str, sizes))}, or remove it",
        )


def _model_errors(method: str, model: Any, workers: Workers) -> Iterator[tuple[str, str]]:
    """Errors of a draft model that the method needs or cannot use."""
    if method in _NGRAM:
        if model not in (None, *_NGRAM, "[ngram]"):
            yield "model", f"{method} drafts from the text and reads no model; remove model"
    elif not model:
        yield "method", f"{method} needs model, the folder of the draft under /models"
    elif isinstance(model, str) and (why := why_unreadable(model, workers)):
        yield "model", f"{shown(model)} {why}; ngram drafts without a model"


_WORDS: dict[type, str] = {str: "text", int: "a whole number", bool: "true or false"}
