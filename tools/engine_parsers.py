"""Reads the flags of a runtime's own parsers, and checks command lines with them.

Runs in an environment of the runtime, not of this project, with the standard library and that environment's packages
only. One script per environment (`engine_parsers_vllm.py`) names the parsers and calls `answer`, which reads a JSON
list of command lines, `[["dynamo.vllm", ["--model", …]], …]`, from standard input and writes `{"tables", "verdicts"}`
to the file named as argument, because the runtime logs to standard output. One process does it all, because importing
an engine takes ten seconds.
"""

import argparse
import contextlib
import dataclasses
import enum
import importlib.metadata
import inspect
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema


@dataclass(frozen=True, kw_only=True)
class Parser:
    """The parser of one of Dynamo's modules, and the additional checks of its engine."""

    module: str
    parse: Callable[[Sequence[str]], object]
    engine: tuple[str, str] | None = None
    """The engine that the module runs, and the package with the engine's version."""
    beginning: tuple[str, ...] = ()
    """Arguments that the parser requires."""
    start_checks: Callable[[str], Mapping[str, Any]] = lambda destination: {}
    """Flag's destination → checks that the engine makes only at start: `registered`, bounds."""
    key_checks: Callable[[str, str], Mapping[str, Any]] = lambda cls, key: {}
    """Checks of a key in a class's JSON object: additional `choices`, and another key that it needs."""
    value_types: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Value types of this parser's own functions, like VALUE_TYPES and with priority over it."""


# Qualified name of a function that argparse calls on a value → type of the value. An unknown function stops the tool,
# because the type of a new kind of value must not be guessed.
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
    # An object, a word for one, or a file with one.
    "_parse_structural_tag": "text",
    "parse_ais_perf_config": "text",
    # Text that the function then parses: comma lists, spellings of a choice, names and folders.
    "EngineArgs.add_cli_args.<locals>.<lambda>": "text",
    "KvRouterArgGroup.add_arguments.<locals>.<lambda>": "text",
    "validate_model_name": "text",
    "validate_model_path": "text",
}
NULLABLE = {"nullable_int", "nullable_float", "optional_type.<locals>._optional_type"}
WRAPPERS = {"optional_type.<locals>._optional_type", "parse_type.<locals>._parse_type"}


def answer(*parsers: Parser) -> None:
    """Writes the output of these parsers to the file named as argument."""
    by_module = {parser.module: parser for parser in parsers}
    lines = json.load(sys.stdin)
    said = {
        "tables": {module: table(parser) for module, parser in by_module.items()},
        "verdicts": [verdict(by_module[module].parse, argv) for module, argv in lines],
    }
    Path(sys.argv[1]).write_text(json.dumps(said), encoding="utf-8")


def verdict(parse: Callable[[Sequence[str]], object], argv: Sequence[str]) -> str | None:
    """Why a parser, or what follows it at start, refuses the command line; None if it accepts it."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stderr(output):
            parse(argv)
    except SystemExit as end:
        return (output.getvalue().strip().splitlines() or [f"ended with code {end.code}"])[-1]
    except Exception as error:  # a runtime may raise anything
        return f"{type(error).__name__}: {error}"
    return None


def table(parser: Parser) -> dict[str, Any]:
    """Every flag of a module, and the keys of its JSON objects."""
    flags: dict[str, Any] = {}
    objects: dict[str, dict[str, Any]] = {}
    for action in _actions(parser):
        name, flag, classes = _flag(action, parser)
        flag |= parser.start_checks(action.dest)
        # A second action of the same destination is the negative form of the first.
        if isinstance(action, argparse._StoreFalseAction) and (positive := f"--{name.removeprefix('--no-')}") in flags:
            flags[positive]["negative"] = [name]
        else:
            flags.setdefault(name, flag)  # if two parsers have the same flag, the first one gets it
        objects |= {cls.__name__: dict(sorted(_keys(cls, parser))) for cls in classes}
    packages = {"Dynamo": "ai-dynamo"} | ({parser.engine[0]: parser.engine[1]} if parser.engine else {})
    versions = {product: _version(package) for product, package in packages.items()}
    return {"module": parser.module, "runtime": versions, "flags": flags, "objects": objects}


def _version(package: str) -> str:
    """The version of a package; if it is not installed, the version that Dynamo requires."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        needed = importlib.metadata.requires("ai-dynamo") or []
        return next(found[1] for word in needed if (found := re.match(rf"{re.escape(package)}==([^;\s]+)", word)))


def _actions(parser: Parser) -> Iterator[argparse.Action]:
    """The options of all parsers that a module runs, in order, negative forms last."""
    asked: list[argparse.ArgumentParser] = []
    original = argparse.ArgumentParser.parse_known_args

    def noted(one: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        asked.append(one)
        return original(one, *args, **kwargs)

    argparse.ArgumentParser.parse_known_args = noted  # type: ignore[method-assign]
    try:
        parser.parse(parser.beginning)
    finally:
        argparse.ArgumentParser.parse_known_args = original  # type: ignore[method-assign]
    # A parser may list another's options in its help; list each once.
    listed = {id(action): action for one in asked for action in one._actions if action.option_strings}
    ending = (argparse._HelpAction, argparse._VersionAction)  # print and end the process
    actions = [action for action in listed.values() if not isinstance(action, ending)]
    return iter(sorted(actions, key=lambda action: isinstance(action, argparse._StoreFalseAction)))


def _flag(action: argparse.Action, parser: Parser) -> tuple[str, dict[str, Any], list[type]]:
    """A flag's name, its facts, and the classes of its JSON objects."""
    options = list(action.option_strings)
    name = next(option for option in options if option.startswith("--"))
    negative = [option for option in options if f"--{option.removeprefix('--no-')}" in options and "--no-" in option]
    obsolete = _obsolete(action)
    kind, nullable, classes = _value_type(action.type, {**VALUE_TYPES, **parser.value_types})
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


def _value_type(convert: Any, value_types: Mapping[str, str]) -> tuple[str, bool, list[type]]:
    """The type of a value, whether it may be `None`, and the class of a JSON object."""
    nullable = False
    while True:
        name = "NoneType" if convert is None else convert.__qualname__
        nullable |= name in NULLABLE
        if name not in WRAPPERS:
            break
        convert = inspect.getclosurevars(convert).nonlocals["return_type"]
    if name not in value_types:
        raise SystemExit(f"error: a parser converts values with {name}, which VALUE_TYPES does not know")
    return value_types[name], nullable, list(convert.__defaults__) if "parse_dataclass" in name else []


def _deprecated(action: argparse.Action) -> str | None:
    """The runtime's replacement of a deprecated flag, "" if it names none; None if the flag is not deprecated."""
    if type(action).__name__ == "DeprecatedAction":
        return inspect.getclosurevars(type(action).__call__).nonlocals["warn"].__self__.replacement
    notice = re.match(
        r"(\[|--\S+ is )?deprecated.*?(\buse (?P<other>.+?)( instead)?)?(\.\s|\.?$)", action.help or "", re.I
    )
    return (notice["other"] or "") if notice else None


def _obsolete(action: argparse.Action) -> set[str]:
    """Old aliases, which only the help text marks."""
    old = re.search(r"^deprecating flag: --(\S+)", action.help or "", re.MULTILINE)
    return {f"--{old[1]}", f"--no-{old[1]}"} if old else set()


def _keys(cls: type, parser: Parser) -> Iterator[tuple[str, dict[str, Any]]]:
    """The keys of the class's JSON object."""
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
        checks = dict(parser.key_checks(cls.__name__, name))
        choices |= set(checks.pop("choices", ()))
        known = {
            "type": types.pop() if len(types) == 1 else None,
            "choices": sorted(choices),
            "nullable": len(values) < len(ways),
            **checks,
        }
        yield name, {key: value for key, value in known.items() if value not in (None, "None", [], False)}


def _plain(value: Any) -> Any:
    """A default as JSON; null for an object, because its class fills it in."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return None
    if isinstance(value, set | frozenset | list | tuple):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    return value if isinstance(value, bool | int | float | str | Mapping | None) else str(value)
