"""Rules of Google's provider for values, from its schema: closed sets, bounds, inputs that exclude or need others.

`tools.replacement_table` writes them to `ops/rehearsal/google/input_rules.json`, which the simulated Google Cloud of a
rehearsal reads. Only names, values and bounds are kept.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent.parent / "ops" / "rehearsal" / "google" / "input_rules.json"

# Lists of inputs: at most one of them, exactly one, at least one, and all if this one is set.
RELATIONS = ("conflictsWith", "exactlyOneOf", "atLeastOneOf", "requiredWith")
_NUMBERS = re.compile(r"validation\.(?:Int|Float)(AtLeast|Between)\(([\d.]+)(?:,([\d.]+))?\)")


def of_input(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of one input; empty without any."""
    found: dict[str, Any] = {}
    if allowed := facts.get("enum") or facts.get("elemEnum"):
        found["enum"] = allowed
    if facts.get("enumIgnoreCase"):
        found["anyCase"] = True
    if numbers := _NUMBERS.match(str(facts.get("validate", ""))):
        found["min"] = float(numbers[2])
        if numbers[1] == "Between":
            found["max"] = float(numbers[3])
    if facts["type"].startswith(("list", "set")):
        found |= {key: facts[key] for key in ("minItems", "maxItems") if key in facts}
    for relation in RELATIONS:
        # `tf:` marks an input that the schema could not map to the SDK's names.
        others = [other for other in facts.get(relation, []) if not other.startswith("tf:")]
        if others and len(others) == len(facts[relation]):
            found[relation] = others
    return found


def reduced(schema: Mapping[str, Any], left_out: tuple[str, ...]) -> dict[str, Any]:
    """The table: type → input → its rules. Without inputs below `left_out`."""
    types: dict[str, Any] = {}
    for type_, facts in sorted(schema["types"].items()):
        rules = {
            path: of_input(of)
            for path, of in sorted(facts["paths"].items())
            if (of.get("optional") or of.get("required")) and not path.startswith(left_out)
        }
        types[type_] = {path: found for path, found in rules.items() if found}
    return {"source": schema["_meta"]["source"], "types": types}
