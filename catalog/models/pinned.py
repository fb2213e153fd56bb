"""Writes a revision, its files and the facts of its config.json into the text of a card. Comments stay."""

import io
from collections.abc import Mapping
from typing import Any, cast

from catalog.models.config_json import ModelFacts

# Keys of `architecture` in older cards that moved to the block `attention`.
_FORMER = ("heads", "kvHeads", "headDim", "attentionSinks")


def pinned(
    text: str,
    *,
    revision: str,
    source: str,
    files: Mapping[str, Mapping[str, Any]],
    facts: ModelFacts | None,
) -> str:
    """The card's text with these values, or the unchanged text if it already has them.

    With `facts` None, the blocks `architecture` and `attention` stay.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    yaml: Any = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # add no line breaks
    content = yaml.load(text)
    listed = _block({path: _block(file, on_one_line=True) for path, file in files.items()})
    same = content["revision"] == revision and content.get("files") == listed
    if same and (facts is None or _has(content, facts)):
        return text
    content["revision"] = revision
    content["revisionSource"] = DoubleQuotedScalarString(source)
    _insert(content, "files", listed, after="revisionSource")
    if facts:
        _write(content, facts, DoubleQuotedScalarString(f"config.json of the revision; {source}"))
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()


def _has(content: Mapping[str, Any], facts: ModelFacts) -> bool:
    architecture = {key: value for key, value in content.get("architecture", {}).items() if key != "source"}
    return architecture == facts.architecture and content.get("attention") == facts.attention


def _block(values: Mapping[str, Any], *, on_one_line: bool = False) -> Any:
    from ruamel.yaml.comments import CommentedMap

    block: Any = CommentedMap(values)
    if on_one_line:
        block.fa.set_flow_style()
    return block


def _write(content: Any, facts: ModelFacts, source: str) -> None:
    architecture: Any = content.get("architecture") or _block({})
    _update(architecture, {"source": source, **facts.architecture}, forget=("experts", *_FORMER))
    _insert(content, "architecture", architecture, after="weights")
    attention: Any = content.get("attention") or _block({}, on_one_line=True)
    _update(attention, facts.attention, forget=tuple(attention))
    _insert(content, "attention", attention, after="architecture")


def _update(block: Any, values: Mapping[str, Any], forget: tuple[str, ...]) -> None:
    """Sets a block's values in place, so that comments stay. Removes keys of `forget` without a value."""
    for key in set(forget) & set(block) - values.keys():
        del block[key]
    for key, value in values.items():
        if block.get(key) != value:
            block[key] = _block(cast(dict[str, Any], value), on_one_line=True) if isinstance(value, dict) else value


def _insert(content: Any, key: str, value: Any, after: str) -> None:
    """Sets a key in place, or inserts a new key after another."""
    if key in content:
        content[key] = value
    else:
        content.insert(list(content).index(after) + 1, key, value)
