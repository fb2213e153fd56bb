"""Writes the table of TensorRT-LLM's engine keys, which `--trtllm.KEY VALUE` can set, with their types.

Dynamo's parser passes these flags on unread, and the engine rejects an invalid one only at start. This tool reads the
keys from the source text of `tensorrt_llm/llmapi/llm_args.py`, because importing it needs CUDA. The table has only
names, types and bounds of that file.
"""

import argparse
import ast
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[1] / "catalog" / "engines" / "trtllm" / "engine_keys.json"
ROOT_CLASS = "TorchLlmArgs"
REPOSITORY, SOURCE = "NVIDIA/TensorRT-LLM", "tensorrt_llm/llmapi/llm_args.py"

# Pydantic's names of bounded numbers.
_BOUNDED: dict[str, tuple[str, dict[str, int]]] = {
    "PositiveInt": ("integer", {"min": 1}),
    "NonNegativeInt": ("integer", {"min": 0}),
    "NonNegativeFloat": ("number", {"min": 0}),
    "StrictInt": ("integer", {}),
    "int": ("integer", {}),
    "float": ("number", {}),
    "bool": ("boolean", {}),
    "str": ("text", {}),
    "Path": ("text", {}),
    "None": ("null", {}),
}
_LISTS = ("List", "Set", "Tuple", "list", "set", "tuple")
_BOUNDS = {"ge": "min", "gt": "above", "le": "max", "lt": "below"}


@dataclass(frozen=True)
class Key:
    """The values that one key accepts: the union over its classes."""

    types: frozenset[str] = frozenset()
    """Some of integer, number, boolean, text, null, list, object."""
    choices: tuple[str, ...] = ()
    bounds: Mapping[str, float] = field(default_factory=dict[str, float])
    deprecated: bool = False

    def __or__(self, other: "Key") -> "Key":
        """The union of two keys. A bound stays only if both have it."""
        return Key(
            self.types | other.types,
            tuple(dict.fromkeys((*self.choices, *other.choices))),
            {name: value for name, value in self.bounds.items() if other.bounds.get(name) == value},
            self.deprecated and other.deprecated,
        )

    def plain(self) -> dict[str, Any]:
        found: dict[str, Any] = {"types": sorted(self.types)}
        if self.choices:
            found["choices"] = list(self.choices)
        return found | dict(self.bounds) | ({"deprecated": True} if self.deprecated else {})


class Source:
    """The classes and names of one Python file."""

    def __init__(self, text: str) -> None:
        body = ast.parse(text).body
        self.classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
        self.names: dict[str, ast.expr] = {}
        for node in body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.names[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                self.names[node.target.id] = node.value

    def keys(self, name: str, prefix: str = "") -> Iterator[tuple[str, Key]]:
        """Every dotted key of a class, including inherited and nested classes."""
        for field_name, node in self._fields(name).items():
            path = f"{prefix}{field_name}"
            key, held = self._type(node.annotation)
            yield path, self._with_field(key, node.value)
            for cls in held:
                yield from self.keys(cls, f"{path}.")

    def _fields(self, name: str) -> dict[str, ast.AnnAssign]:
        """The fields of a class, including inherited ones that it does not override."""
        cls = self.classes[name]
        bases = [base.id for base in cls.bases if isinstance(base, ast.Name) and base.id in self.classes]
        found = {field: node for base in reversed(bases) for field, node in self._fields(base).items()}
        own = [node for node in cls.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
        return found | {node.target.id: node for node in own if isinstance(node.target, ast.Name) and _is_field(node)}

    def _type(self, node: ast.expr) -> tuple[Key, tuple[str, ...]]:
        """The values that an annotation accepts, and the classes of this file that it nests."""
        if isinstance(node, ast.Constant):
            return self._type(ast.Name(node.value if isinstance(node.value, str) else str(node.value)))
        if isinstance(node, ast.BinOp):
            return self._either([node.left, node.right])
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            return self._subscript(node.value.id, node.slice)
        if not isinstance(node, ast.Name):
            return Key(frozenset({"object"})), ()
        if node.id in _BOUNDED:
            kind, bounds = _BOUNDED[node.id]
            return Key(frozenset({kind}), bounds=bounds), ()
        if cls := self.classes.get(node.id):
            bases = [base.id for base in cls.bases if isinstance(base, ast.Name)]
            if "Enum" in bases or "StrEnum" in bases:
                return Key(frozenset({"text"}), _members(cls, by_value="StrEnum" in bases)), ()
            return Key(frozenset({"object"})), (node.id,)
        return self._type(self.names[node.id]) if node.id in self.names else (Key(frozenset({"object"})), ())

    def _subscript(self, name: str, inner: ast.expr) -> tuple[Key, tuple[str, ...]]:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if name == "Optional":
            key, held = self._type(inner)
            return key | Key(frozenset({"null"}), bounds=key.bounds), held
        if name == "Union":
            return self._either(parts)
        if name == "Annotated":
            return self._type(parts[0])
        if name == "Literal":
            words = [part.value for part in parts if isinstance(part, ast.Constant)]
            return Key(frozenset({"text"}), tuple(map(str, words))), ()
        return Key(frozenset({"list" if name in _LISTS else "object"})), ()

    def _either(self, parts: Sequence[ast.expr]) -> tuple[Key, tuple[str, ...]]:
        found = [self._type(part) for part in parts]
        key = found[0][0]
        for other, _ in found[1:]:
            key = key | other
        return key, tuple(dict.fromkeys(cls for _, held in found for cls in held))

    @staticmethod
    def _with_field(key: Key, value: ast.expr | None) -> Key:
        """The key with the bounds of its `Field(…)`, and the choices that the field lists for usage reports."""
        if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Field"):
            return key
        words = {word.arg: word.value for word in value.keywords}
        bounds = {
            ours: ast.literal_eval(words[theirs])
            for theirs, ours in _BOUNDS.items()
            if isinstance(words.get(theirs), ast.expr)
        }
        named = words.get("telemetry")
        categories = (
            tuple(str(ast.literal_eval(word)) for word in named.args)
            if isinstance(named, ast.Call) and "text" in key.types and not key.choices
            else ()
        )
        status = words.get("status")
        deprecated = "deprecated" in words or (isinstance(status, ast.Constant) and status.value == "deprecated")
        return replace(key, bounds={**key.bounds, **bounds}, choices=key.choices or categories, deprecated=deprecated)


def _is_field(node: ast.AnnAssign) -> bool:
    """Whether a user can set the field: it is neither private nor a class constant."""
    return (
        isinstance(node.target, ast.Name)
        and not node.target.id.startswith("_")
        and not (isinstance(node.annotation, ast.Subscript) and ast.unparse(node.annotation.value) == "ClassVar")
    )


def _members(cls: ast.ClassDef, *, by_value: bool) -> tuple[str, ...]:
    """The accepted words of an enum: its values if they are text, else its names in lower case."""
    assigned = [node for node in cls.body if isinstance(node, ast.Assign)]
    if by_value:
        return tuple(str(ast.literal_eval(node.value)) for node in assigned)
    return tuple(ast.unparse(node.targets[0]).lower() for node in assigned)


def keys_of(text: str) -> dict[str, Key]:
    """Every key of the engine's arguments. A key in several classes of a union accepts the values of any of them."""
    found: dict[str, Key] = {}
    for path, key in Source(text).keys(ROOT_CLASS):
        found[path] = found[path] | key if path in found else key
    return dict(sorted(found.items()))


def table(text: str, commit: str) -> str:
    """The table as JSON, one key per line, so that a diff shows the changes of a version."""
    lines = ",\n".join(f"  {json.dumps(path)}: {json.dumps(key.plain())}" for path, key in keys_of(text).items())
    source = json.dumps({"repository": REPOSITORY, "file": SOURCE, "commit": commit})
    return f'{{\n "source": {source},\n "keys": {{\n{lines}\n }}\n}}\n'


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.trtllm_keys", description=__doc__)
    parser.add_argument("file", type=Path, help=f"{SOURCE} of {REPOSITORY}, as a file on this machine")
    parser.add_argument("commit", help="the commit that the file is from")
    given = parser.parse_args(argv)
    try:
        written = table(given.file.read_text(encoding="utf-8"), given.commit)
    except (OSError, SyntaxError, KeyError, ValueError) as error:
        print(f"{given.file}: cannot be read as {SOURCE}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    TABLE.write_text(written, encoding="utf-8")
    print(f"wrote {TABLE.name}; read its diff", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
