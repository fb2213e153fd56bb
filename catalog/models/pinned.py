"""The text of a card with a revision, its files and the facts of its config.json written in; comments stay."""

import io
from collections.abc import Mapping
from typing import Any, cast

from catalog.models.config_json import ModelFacts

# Where cards had the numbers of attention before they got a block of their own.
_FORMER = ("heads", "kvHeads", "headDim", "attentionSinks")


def pinned(
    text: str,
    *,
    revision: str,
    source: str,
    files: Mapping[str, Mapping[str, Any]],
    facts: ModelFacts | None,
) -> str:
    """The card with these values, or the same text if it says so already.

    `facts` None keeps the blocks `architecture` and `attention`.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    yaml: Any = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # no line is broken that was not
    content = yaml.load(text)
    listed = _block({path: _block(file, on_one_line=True) for path, file in files.items()})
    same = content["revision"] == revision and content.get("files") == listed
    if same and (facts is None or _says(content, facts)):
        return text
    content["revision"] = revision
    content["revisionSource"] = DoubleQuotedScalarString(source)
    _put(content, "files", listed, after="revisionSource")
    if facts:
        _write(content, facts, DoubleQuotedScalarString(f"config.json of the revision; {source}"))
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()


def _says(content: Mapping[str, Any], facts: ModelFacts) -> bool:
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
    _become(architecture, {"source": source, **facts.architecture}, forget=("experts", *_FORMER))
    _put(content, "architecture", architecture, after="weights")
    attention: Any = content.get("attention") or _block({}, on_one_line=True)
    _become(attention, facts.attention, forget=tuple(attention))
    _put(content, "attention", attention, after="architecture")


def _become(block: Any, values: Mapping[str, Any], forget: tuple[str, ...]) -> None:
    """Gives a block its values in place, so that comments stay; takes out of `forget` what has none."""
    for key in set(forget) & set(block) - values.keys():
        del block[key]
    for key, value in values.items():
        if block.get(key) != value:
            block[key] = _block(cast(dict[str, Any], value), on_one_line=True) if isinstance(value, dict) else value


def _put(content: Any, key: str, value: Any, after: str) -> None:
    """Sets a key in its place, or behind another where it is new."""
    if key in content:
        content[key] = value
    else:
        content.insert(list(content).index(after) + 1, key, value)
