"""The tree of a type's inputs, from the tables of facts about Google's provider. Pure.

`ops.changes.gcp_inputs` reads the first table; the forecasts of `diff` read it too, so a rehearsal cannot judge the
facts in it. The second has the provider's rules for values.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ops.changes.gcp_inputs import Input, ResourceType, table

RULES = Path(__file__).parent / "input_rules.json"


def type_facts(type_: str) -> ResourceType:
    """Raises KeyError for a type that the table lacks."""
    return table()[type_]


@cache
def children(type_: str) -> Mapping[str, Mapping[str, Input]]:
    """Block → the inputs in it, by their last step. `""` is the resource, `rules[]` one element of a list."""
    found: dict[str, dict[str, Input]] = defaultdict(dict)
    for path, of in table()[type_].inputs.items():
        block, _, step = path.rpartition(".")
        found[block][step] = of
    return found


def inside(path: str, of: Input) -> str:
    """The block whose inputs an input of kind `block` or `blocks` has."""
    return f"{path}[]" if of.kind == "blocks" else path


@cache
def rules(type_: str) -> Mapping[str, Mapping[str, Any]]:
    """Path → rules of its values."""
    return json.loads(RULES.read_text(encoding="utf-8"))["types"].get(type_, {})
