"""Parses YAML as the Pulumi CLI does, and rejects duplicate keys, of which common parsers silently use the last."""

import re
from collections.abc import Iterator
from typing import Any, cast

import yaml

from reading.errors import Error, join

# The C parser is ten times faster on a card. Wheels without it fall back to the Python parser.
_FASTEST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_FASTEST):
    """PyYAML's loader with the scalars of Pulumi's and editors' parsers: `yes`, `off` and `12:00` are text, `1e3` is a
    number."""


_TAG = "tag:yaml.org,2002:"
_SCALARS = {  # kind → its form, and the characters that it begins with; a whole number is no float
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    "float": (r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if tag.removeprefix(_TAG) not in _SCALARS]
    for first, forms in _FASTEST.yaml_implicit_resolvers.items()
}
for _kind, (_form, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(rf"^(?:{_form})$"), list(_first))


class YamlInvalid(Exception):
    """Text that is not YAML, or has duplicate keys. Has every error, with its key path if known."""

    def __init__(self, errors: list[Error]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(map(str, errors)))


def parse(text: str) -> Any:
    """The plain data of one document. Raises YamlInvalid."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if found := list(_errors(node, "", set(), set())):
            raise YamlInvalid(found)
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise YamlInvalid([Error("", _not_yaml(text, error))]) from None
    except (ValueError, RecursionError) as error:  # an invalid date, a value that contains itself
        raise YamlInvalid([Error("", f"is not plain data: {error}")]) from None
    finally:
        loader.dispose()


_HINTS = (
    ("mapping values are not allowed", "put a nested key on a line of its own, or quote a text that contains ': '"),
    ("expected ',' or '}'", "close the `{`, or add the missing comma, in this line or one before"),
    ("expected ',' or ']'", "close the `[`, or add the missing comma, in this line or one before"),
    ("unexpected end of stream", "close the quotation mark or bracket"),
    ("cannot start any token", "quote a text that begins with @, ` or %"),
    ("expected <document start>", "align the keys of a block, and end each with a colon"),
    ("expected key", "align the keys of a block, and write nothing after a closed quotation mark or bracket"),
    ("expected <block end>", "align the keys of a block, and write nothing after a closed quotation mark or bracket"),
    ("expected ':'", "align the keys of a block, and end each with a colon"),
    ("expected '-' indicator", "align the entries of a list, and put no key among them"),
    ("found another document", "keep one document, and delete the line `---` with the other"),
    ("incompatible YAML document", "delete the line that begins with %"),
    ("undefined alias", "quote a text that begins with *"),
    ("determine a constructor", "quote a text that begins with !"),
    ("unknown escape", "double each backslash, or use single quotation marks"),
    ("unhashable key", "quote a key that begins with [ or {"),
    ("unacceptable character", "delete the character"),
)
"""Part of the parser's message → what to correct."""


def _not_yaml(text: str, error: yaml.YAMLError) -> str:
    """The message for text that the parser rejects: the line, the parser's words, and what to correct."""
    mark, said = getattr(error, "problem_mark", None), str(getattr(error, "problem", None) or error).splitlines()[0]
    if said.startswith("but "):  # the end of a sentence
        said = f"{getattr(error, 'context', None)} {said}"
    line: str = "".join(text.splitlines()[mark.line : mark.line + 1]) if mark else ""
    if re.match(r"\s*\t", line):
        said, hint = "a tab indents it", "indent with spaces"
    else:
        hint = next((hint for part, hint in _HINTS if part in said), "correct it")
    return f"is not YAML{f' in line {mark.line + 1}' if mark else ''}: {said}; {hint}"


def _errors(node: yaml.Node, path: str, done: set[int], open_: set[int]) -> Iterator[Error]:
    """Errors of duplicate keys, with both lines, and of values that contain themselves through an alias."""
    if id(node) in open_:
        yield Error(path, "is not plain data: it contains itself")
    if id(node) in done:  # an alias; its errors are reported at the anchor
        return
    done.add(id(node))
    open_.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(cast(list[yaml.Node], node.value)):
            yield from _errors(item, join(path, index), done, open_)
    elif isinstance(node, yaml.MappingNode):
        entries = cast(list[tuple[yaml.Node, yaml.Node]], node.value)
        yield from _duplicate_keys([key for key, _ in entries], path)
        for key, value in entries:
            yield from _errors(value, join(path, str(key.value)), done, open_)
    open_.remove(id(node))


def _duplicate_keys(keys: list[yaml.Node], path: str) -> Iterator[Error]:
    lines: dict[tuple[str, str], int] = {}
    for key in keys:
        name, line = str(key.value), key.start_mark.line + 1
        if first := lines.get((key.tag, name)):
            places = f"line {line}" if first == line else f"line {first} and line {line}"
            yield Error(join(path, name), f"is given twice ({places}); only the last would count. Remove one")
        lines[key.tag, name] = line
