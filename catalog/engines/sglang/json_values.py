"""Keys and values of SGLang's JSON flags that SGLang 0.5.21 takes at start, when it loads weights, and at a request."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from catalog.flags import ArgumentError, json_object
from catalog.flags.given import Given
from reading.errors import nearest, shown

_GRAPHS, _LOADER, _SAMPLING = "--cuda-graph-config", "--model-loader-extra-config", "--preferred-sampling-params"


@dataclass(frozen=True)
class _Wanted:
    """What a JSON value must be, in words and as a test."""

    words: str
    takes: Callable[[object], bool]


def _is_whole(value: object, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def _whole(low: int) -> _Wanted:
    return _Wanted(f"a whole number of at least {low}", lambda value: _is_whole(value, low))


def _range(words: str, low: float, high: float, *, above: bool = False) -> _Wanted:
    def takes(value: object) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return low <= value <= high and not (above and value == low)

    return _Wanted(words, takes)


def _one_of(*names: str) -> _Wanted:
    return _Wanted(f"one of {', '.join(names)}", lambda value: value in names)


def _list_of(words: str, each: Callable[[object], bool]) -> _Wanted:
    def takes(value: object) -> bool:
        items = cast(list[object], value) if isinstance(value, list) else []
        return bool(items) and all(map(each, items))

    return _Wanted(words, takes)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_FLAG = _Wanted("true or false", lambda value: isinstance(value, bool))
_TEXTS = _list_of("text or a list of texts", _is_text)

# `ALLOWED_KEYS_PER_PHASE` and `PhaseConfig` in sglang/srt/model_executor/cuda_graph_config.py.
_PHASE = {
    "backend": _one_of("full", "breakable", "tc_piecewise", "disabled"),
    "max_bs": _whole(1),
    "bs": _list_of("a list of whole numbers of at least 1", lambda size: _is_whole(size, 1)),
    "tc_compiler": _one_of("eager", "inductor"),
}
_PHASES = {
    "decode": _PHASE,
    "prefill": {
        **_PHASE,
        "max_context_size": _whole(1),
        "full_prefill_max_req": _whole(1),
        "full_prefill_prefix_chunk_tokens": _whole(1),
        "max_seq_len": _whole(1),
    },
}
# `_validate_default_loader_extra_config` in sglang/srt/model_loader/loader.py.
_LOADER_KEYS = {"enable_multithread_load": _FLAG, "num_threads": _whole(1)}
# `SamplingParams.verify` in sglang/srt/sampling/sampling_params.py; a default outside makes every request fail. Its
# other keys, such as grammars, are for single requests.
_SAMPLING_KEYS = {
    "frequency_penalty": _range("a number from -2 to 2", -2, 2),
    "ignore_eos": _FLAG,
    "max_new_tokens": _whole(1),
    "min_new_tokens": _whole(0),
    "min_p": _range("a number from 0 to 1", 0, 1),
    "no_stop_trim": _FLAG,
    "presence_penalty": _range("a number from -2 to 2", -2, 2),
    "repetition_penalty": _range("a number above 0, at most 2", 0, 2, above=True),
    "skip_special_tokens": _FLAG,
    "spaces_between_special_tokens": _FLAG,
    "stop": _Wanted(_TEXTS.words, lambda value: _is_text(value) or _TEXTS.takes(value)),
    "stop_token_ids": _list_of("a list of whole numbers of at least 0", lambda token: _is_whole(token, 0)),
    "temperature": _range("a number of at least 0", 0, float(2**53)),
    "top_k": _Wanted("-1 or a whole number of at least 1", lambda value: value == -1 or _is_whole(value, 1)),
    "top_p": _range("a number above 0, at most 1", 0, 1, above=True),
}


def errors(given: Given) -> Iterator[ArgumentError]:
    for name, check in ((_GRAPHS, _phases), (_LOADER, _loader), (_SAMPLING, _sampling)):
        text = given.text(name)
        if text is None:
            continue
        content = json_object(text)
        for message in [content] if isinstance(content, str) else check(content):
            yield given.error(name, message)


def _phases(content: Mapping[str, Any]) -> Iterator[str]:
    for phase, settings in content.items():
        if phase not in _PHASES:
            yield f"{phase} is not a phase{nearest(phase, tuple(_PHASES))}; allowed: {', '.join(_PHASES)}"
        elif not isinstance(settings, dict):
            yield f"{phase}: got {shown(settings)}; must be a JSON object"
        else:
            yield from _keys(cast(dict[str, Any], settings), _PHASES[phase], f"{phase}.")


def _loader(content: Mapping[str, Any]) -> Iterator[str]:
    yield from _keys(content, _LOADER_KEYS)


def _sampling(content: Mapping[str, Any]) -> Iterator[str]:
    yield from _keys(content, _SAMPLING_KEYS)


def _keys(content: Mapping[str, Any], wanted: Mapping[str, _Wanted], prefix: str = "") -> Iterator[str]:
    for key, value in content.items():
        if key not in wanted:
            yield f"{prefix}{key} may not be set here{nearest(key, tuple(wanted))}; allowed: {', '.join(wanted)}"
        elif not wanted[key].takes(value):
            yield f"{prefix}{key}: got {shown(value)}; must be {wanted[key].words}"
