"""Writes manifests/schemas: names, types, bounds and enumerations of the fields of the custom resources that we render.

    python -m tools.field_tables FILE_OR_FOLDER…

Takes CustomResourceDefinitions as YAML (`kubectl get crd NAME -o yaml`, or the folder crds/ of the operator's chart)
and OpenAPI schemas of one kind as JSON, named `<group>__<kind>_<version>.json`. Descriptions, patterns and CEL rules
are left out: a table says which fields exist, and not everything that the API server checks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from manifests import manifest_schema

KEPT = (
    *("type", "enum", "required", "minimum", "maximum"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    # What a rehearsal's API server fills in, and how it merges lists of several writers.
    *("default", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"),
)

TEXT = {"type": "string"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
# The metadata fields that a manifest may set; CRDs do not list them.
METADATA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": TEXT, "namespace": TEXT, "labels": TEXTS, "annotations": TEXTS},
    "required": ["name"],
    "additionalProperties": False,
}


def reduced(schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema reduced to the fields. It rejects unknown fields, which the API server would prune."""
    kept: dict[str, Any] = {key: schema[key] for key in KEPT if key in schema}
    if schema.get("x-kubernetes-int-or-string"):
        kept["type"] = ["integer", "string"]
    if "items" in schema:
        kept["items"] = reduced(schema["items"])
    if isinstance(values := schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = reduced(cast(dict[str, Any], values))
    elif schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        kept["additionalProperties"] = False
    if "properties" in schema:
        kept["properties"] = {name: reduced(field) for name, field in sorted(schema["properties"].items())}
    return kept


def table(schema: dict[str, Any]) -> dict[str, Any]:
    """The table of one kind's `spec`. Other fields are the same for every kind, or belong to the controller."""
    whole = reduced(schema)
    head = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": METADATA}
    fields = {name: field for name, field in whole["properties"].items() if name not in (*head, "status")}
    required = [name for name in whole.get("required", ()) if name != "status"]
    return {"type": "object", "properties": head | fields, "required": required, "additionalProperties": False}


def tables(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and table of each served version that a file defines."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        group, _, rest = path.stem.partition("__")
        kind, _, version = rest.rpartition("_")
        yield manifest_schema.file_name(f"{group}/{version}", kind), table(json.loads(text))
        return
    for crd in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        spec = crd["spec"]
        for version in spec["versions"]:
            name = manifest_schema.file_name(f"{spec['group']}/{version['name']}", spec["names"]["kind"])
            yield name, table(version["schema"]["openAPIV3Schema"])


def main(arguments: Iterable[str]) -> int:
    given = [Path(argument) for argument in arguments]
    files = [file for path in given for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    if not files:
        print(__doc__, file=sys.stderr)
        return 2
    for file in files:
        for name, content in tables(file):
            if name in manifest_schema.TABLES:
                written = json.dumps(content, indent=1, sort_keys=True) + "\n"
                (manifest_schema.FOLDER / name).write_text(written, encoding="utf-8")
                print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
