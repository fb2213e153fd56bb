"""Writes `ops/changes/gcp_inputs.json`: for each input of each type of Google's provider, the effect of a change.

Also writes the provider's rules for values, for rehearsals (`tools.input_rules`).

`python -m tools.replacement_table SCHEMA.json` reads the provider's schema as JSON (types, paths and their facts) and
keeps names and flags only. The product and its tests need the table, never the schema. `ops.changes.gcp_inputs` says
what each flag means.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools import input_rules

TABLE = Path(__file__).parent.parent / "ops" / "changes" / "gcp_inputs.json"

# Node pools inside the cluster resource: the stacks never write them, and their paths are a quarter of the schema.
# Left out, a path below is unknown, so a change of it counts as a replacement.
LEFT_OUT = ("nodePools[]",)

# Settings of the provider itself, kept in its state: a change takes effect without an API call.
OF_THE_PROVIDER = ("deletionPolicy", "deletionProtection", "ignoreNodeCountChanges", "skipNodePoolRefresh")

# Conditions that CustomizeDiff decides, by their name in the schema.
CONDITIONS = {
    "IsShrinkageIpCidr": "shrinks",
    "isBeenEnabled": "turned-off",
    "isPolicyLocked": "turned-off",
    "containerClusterEnableK8sBetaApisCustomizeDiff": "item-removed",
    "containerClusterAutopilotCustomizeDiff": "autopilot",
}
# Forces replacement when the block is added or removed; the block's own flag already says so.
SAID_BY_THE_FLAG = "secretManagerSecretAutoCustomizeDiff"
LABELS = {
    "tpgresource.SetLabelsDiff": "labels",
    'tpgresource.SetDiffForLabelsWithCustomizedName("resource_labels")': "resourceLabels",
}
ALIKE = {
    "CompareSelfLinkOrResourceName": "names",
    "CompareResourceNames": "names",
    "CompareSelfLinkRelativePaths": "paths",
    "CaseDiffSuppress": "nocase",
}
# Lists of blocks that the provider compares as sets: one by CustomizeDiff, the other by a suppression.
LIKE_SETS = {
    "resourceComputeSubnetworkSecondaryIpRangeSetStyleDiff": "secondaryIpRanges",
    "resourceComputeRegionSecurityPolicySpecRulesDiffSuppress": "rules",
}
# IAM member types that the schema lacks, with the input that names their resource. The provider implements all member
# types alike: every input forces a replacement.
IAM_MEMBERS = {"gcp:billing/accountIamMember:AccountIamMember": "billingAccountId"}
_MEMBER_LIKE, _ON = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", "cryptoKeyId"
_EMPTY_OR = re.compile(r'EmptyOrDefaultStringSuppress\("([^"]*)"\)')
KINDS = {"object": "block", "list<object>": "blocks", "set<object>": "blocks"}


def flags(facts: Mapping[str, Any], conditions: Mapping[str, list[str]], path: str, like_set: bool = False) -> str:
    """The flags of one input, such as `new kept` or `set =["a"]`."""
    kind = facts["type"]
    words: list[str] = []
    if facts.get("forceNew"):
        words.append("new")
    words += [
        "if:" + next(name for key, name in CONDITIONS.items() if key in condition)
        for condition in conditions.get(path, [])
        if not condition.startswith(SAID_BY_THE_FLAG)
    ]
    if facts.get("required"):
        words.append("required")
    if facts.get("computed"):
        words.append("kept")
    if facts.get("noUpdate") and path not in OF_THE_PROVIDER:
        words.append("fixed")
    words.append(KINDS.get(kind) or kind.partition("<")[0] * ("<" in kind))
    if kind == "set<object>" or like_set:
        words.append("unordered")
    suppress = str(facts.get("diffSuppress", ""))
    words.append(ALIKE.get(suppress, ""))
    default = facts.get("default")
    if found := _EMPTY_OR.search(suppress):
        default = found[1]
    if default not in (None, False, 0, ""):
        words.append(f"={json.dumps(default)}")
    return " ".join(filter(None, words))


def reduced(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The table: the SDK's version, and of each type the inputs that a program can set."""
    version = re.search(r"\d+\.\d+\.\d+", schema["_meta"]["sdk"])
    if not version:
        raise ValueError(f"the schema does not say which SDK it was checked with: {schema['_meta']['sdk']!r}")
    types: dict[str, Any] = {}
    for type_, facts in sorted(schema["types"].items()):
        types[type_] = _type_facts(facts) | {"inputs": _inputs(facts)}
    if _MEMBER_LIKE in types:
        like: dict[str, str] = types[_MEMBER_LIKE]["inputs"]
        for type_, on in IAM_MEMBERS.items():
            renamed = {on if path == _ON else path: found for path, found in like.items()}
            types[type_] = {"inputs": dict(sorted(renamed.items()))}
        types = dict(sorted(types.items()))
    return {"sdk": version[0], "source": schema["_meta"]["source"], "types": types}


def _type_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a type as a whole."""
    found: dict[str, Any] = {}
    if name := facts.get("autoname", {}).get("prop"):
        found["name"] = name
    if facts.get("deleteBeforeReplace"):
        found["deleteFirst"] = True
    if labels := next((path for diff, path in LABELS.items() if diff in facts.get("customizeDiff", [])), None):
        found["labels"] = labels
    return found


def _inputs(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a type that a program can set."""
    conditions = {path: found for path, found in facts.get("forceNewIf", {}).items() if not path.startswith("tf:")}
    said = [*facts.get("customizeDiff", []), *(str(of.get("diffSuppress")) for of in facts["paths"].values())]
    like_sets = {path for word, path in LIKE_SETS.items() if word in said}
    return {
        path: flags(of_path, conditions, path, path in like_sets)
        for path, of_path in sorted(facts["paths"].items())
        if (of_path.get("optional") or of_path.get("required")) and not path.startswith(LEFT_OUT)
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("schema", type=Path)
    schema = json.loads(parser.parse_args().schema.read_text(encoding="utf-8"))
    table = reduced(schema)
    for path, content in ((TABLE, table), (input_rules.TABLE, input_rules.reduced(schema, LEFT_OUT))):
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    inputs = sum(len(entry["inputs"]) for entry in table["types"].values())
    print(f"wrote {TABLE.name}: {len(table['types'])} types, {inputs} inputs, SDK {table['sdk']}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
