"""Properties as Pulumi's engine sends them, as plain Python: unknown values and secrets stay marked. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc


class _Unknown:
    """A value that only a later step of the update knows."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Secret:
    value: Any

    def __repr__(self) -> str:  # never in a log
        return "Secret"


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Plain values; whole numbers as integers, entries without a value left out."""
    found: dict[str, Any] = _decoded(json_format.MessageToDict(struct))
    return found


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:  # pyright: ignore[reportPrivateUsage]
            return Secret(_decoded(value["value"]))
        return {key: _decoded(inner) for key, inner in value.items() if inner is not None}
    if value == rpc.UNKNOWN:
        return UNKNOWN
    return int(value) if isinstance(value, float) and value.is_integer() else value


def encode(values: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(_encoded(values), struct_pb2.Struct())


def _encoded(value: Any) -> Any:
    if isinstance(value, Secret):
        return {rpc._special_sig_key: rpc._special_secret_sig, "value": _encoded(value.value)}  # pyright: ignore[reportPrivateUsage]
    if isinstance(value, Mapping):
        return {key: _encoded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    return rpc.UNKNOWN if value is UNKNOWN else value


def plain(value: Any) -> Any:
    """The value without marks of secrets."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def merged(base: Any, more: Any) -> Any:
    """`more` laid over `base`, block by block; lists, plain values and secrets of `more` win as a whole."""
    if isinstance(base, Secret) and isinstance(more, Mapping):
        return Secret(merged(base.value, more))
    if isinstance(base, Mapping) and isinstance(more, Mapping):
        return {**base, **{key: merged(base.get(key), inner) for key, inner in more.items()}}
    return more
