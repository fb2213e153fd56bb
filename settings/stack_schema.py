"""The JSON Schema of a stack file, `Pulumi.<stack>.yaml`, from Settings. Only `schema` and tests import it."""

from collections.abc import Sequence
from typing import Any

from reading import json_schema
from reading.json_schema import Schema
from reading.schema_rules import OLD_NAME
from settings.config_block import KEYS_OF_PULUMI
from settings.renamed import RENAMED
from settings.schema import Settings
from settings.stack_config import NAMESPACE, NOT_READ, PLAIN_KEYS, SECRET_KEYS

FILE = "dynamo-gke.schema.json"
"""The committed schema, beside the stack files."""

FIRST_LINE = f"# yaml-language-server: $schema={FILE}"
"""First line of a stack file, by which editors find the schema."""

_JSON_OBJECT = r"^\s*\{[\s\S]*\}\s*$"

_OF_PULUMI: Schema = {
    key: {"type": ["array", "object"] if key == "environment" else "string", "description": description}
    for key, description in KEYS_OF_PULUMI.items()
}

_TOKEN: Schema = {
    "description": "Token of an account that may fetch the gated models. Set it with `pulumi config set --secret "
    f"{NAMESPACE}:hfToken`, which writes the encrypted value.",
    "type": ["object", "string", "null"],
    "properties": {"secure": {"type": "string", "minLength": 1, "description": "The encrypted value."}},
    "required": ["secure"],
    "additionalProperties": False,
    "pattern": "^$",
    "patternErrorMessage": f"is in plain text; set it with `pulumi config set --secret {NAMESPACE}:hfToken`, and "
    "revoke it",
}


def stack_schema() -> Schema:
    """The schema of a stack file, draft 7."""
    return {
        "$schema": json_schema.DIALECT,
        "description": "Settings of one stack, which is one environment.",
        "type": "object",
        "additionalProperties": False,
        "required": ["config"],
        "properties": {"config": _config(), **_OF_PULUMI},
    }


def _config() -> Schema:
    settings = json_schema.of(Settings)
    blocks: Schema = settings["properties"]
    for path, new in RENAMED.items():
        _add_old_name(settings, path, new)
    ours = {key: _top_level(blocks[key], required=key in settings["required"]) for key in PLAIN_KEYS}
    ours |= dict.fromkeys(SECRET_KEYS, _TOKEN)
    required = [key for key in settings["required"] if key in ours]
    return {
        "description": "The settings of the stack.",
        "type": "object",
        "additionalProperties": False,
        "required": ["gcp:project"],
        "properties": {"gcp:project": blocks["project"], **{_full(key): schema for key, schema in ours.items()}},
        "patternProperties": {
            # Pulumi reads a key without a namespace as one of the project's. Not among `properties`, which editors
            # propose.
            f"^{key}$": {"$ref": f"#/properties/config/properties/{_full(key)}"}
            for key in ours
        }
        | {
            # Accepted, and marked by editors only. The program rejects it.
            "^gcp:(?!project$)": {"description": f"An error in `preview`: {NOT_READ}.", "deprecationMessage": NOT_READ},
            "^pulumi:": {"description": "A setting of the Pulumi CLI, such as pulumi:tags."},
        },
        "allOf": [
            *({"anyOf": [{"required": [_full(key)]}, {"required": [key]}]} for key in required),
            *({"not": {"required": [_full(key), key]}} for key in ours),
        ],
    }


def _full(key: str) -> str:
    return f"{NAMESPACE}:{key}"


def _top_level(schema: Schema, *, required: bool) -> Schema:
    """The schema of a value that Pulumi passes as text: also valid as text, as `pulumi config set` without --path
    writes it, and an object also if empty, which sets nothing."""
    if schema["type"] == "boolean":
        return schema | {"type": ["boolean", "string"], "enum": [True, False, "true", "false"]}
    text = {"pattern": _JSON_OBJECT, "patternErrorMessage": "as text, this must be a JSON object"}
    wider: Schema = schema | {"type": [*json_schema.kinds(schema), "string"], **text}
    if required:
        return wider
    # `{}` is the default of every block in Pulumi.yaml.
    given: Schema = {key: wider.pop(key) for key in ("required", "allOf", "anyOf", "oneOf") if key in wider}
    return wider | ({"if": {"type": "object", "minProperties": 1}, "then": given} if given else {})


def _add_old_name(settings: Schema, path: Sequence[str], new: str) -> None:
    """Adds a renamed key below its blocks: the same value, and not together with the new name."""
    *parents, old = path
    here: Any = settings
    for key in parents:
        here = here["additionalProperties"] if key == "*" else here["properties"][key]
    described = {"description": f"Old name of `{new}`, which still works."}
    here["properties"][old] = here["properties"][new] | OLD_NAME | described
    here["allOf"] = [*here.get("allOf", []), {"not": {"required": [old, new]}}]
