"""The JSON Schema of stack files accepts what the loader accepts, and explains every setting."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from reading.json_schema import Schema
from settings import load as settings_load
from settings import renamed
from settings.stack_config import StackConfig, raw_blocks
from settings.stack_schema import FIRST_LINE, stack_schema
from tests.mistakes import page as mistakes
from tests.stacks import GOOD, ROOT, SHIPPED


@cache
def validator() -> Draft7Validator:
    schema = stack_schema()
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def file_of(blocks: dict[str, Any]) -> dict[str, Any]:
    return {"config": {key if ":" in key else f"dynamo-gke:{key}": value for key, value in blocks.items()}}


def loads(blocks: dict[str, Any]) -> bool:
    """Whether the settings of a stack file load, without the checks of the plan."""
    full = file_of(blocks)["config"]
    secrets = frozenset(key for key, value in full.items() if isinstance(value, dict) and "secure" in value)
    values = {k: v if isinstance(v, str) else json.dumps(v) for k, v in full.items() if k not in secrets}
    raw, found = raw_blocks(StackConfig(stack="prod", values=values, secrets=secrets))
    _, twice = renamed.move(raw)
    return not found and not twice and not settings_load.read(raw).errors


def places(schema: Schema, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Every key of a stack file with its schema; a deployment is `chat`."""
    named = schema.get("properties", {}) | (
        {"chat": schema["additionalProperties"]} if isinstance(schema.get("additionalProperties"), dict) else {}
    )
    for key, inner in named.items():
        yield (*at, key.removeprefix("dynamo-gke:")), inner
        yield from places(inner, (*at, key.removeprefix("dynamo-gke:")))


PLACES = [(keys, schema) for keys, schema in places(stack_schema()["properties"]["config"]) if keys[0] != "hfToken"]


def with_value(keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    """GOOD with a value at a place."""
    blocks: Any = deepcopy(GOOD)
    here = blocks
    for key in keys[:-1]:
        here = here.setdefault(key, {})
    here[keys[-1]] = deepcopy(value)
    return blocks


VALUES = [
    *(None, True, False, 0, 1, 5, 601, 5000, 10**13, -1, 0.5, 1.5),
    *("", "x", "Chat", "none", "true", "2", "0.9", "02:00", "10.0.0.0/20", "a@b.com", "europe-west1", "1.6.1"),
    *("1.2.3", "1.2.3.4", "10.0.0.0/33", "256.0.0.0/20", "10.00.0.0/20", "10.0.0.0/020", "1.2.3.0/24/1", "10.0.0.0-20"),
    *("24:00", "2:00", "a@b", "-x", "x-", "x" * 64, "europe-west1-", "USD", "1.6.1-rc", "a.b.c", "A/b", "x y"),
    *([], ["x"], [1], ["a@b.com"], ["a@b.com", "a@b.com"], {}, {"a": 1}, {"a": "b"}),
]  # fmt: skip

# The plan's checks know these names, not the settings; `{}` at any key sets nothing.
NOT_OF_SETTINGS = re.compile(r"models\.chat\.(model|layout)|versions\.(platform|runtime)")
# 5 hours are too few for the default days: arithmetic, which a schema does not have.
NOT_OF_SCHEMA = [("cluster.maintenance.hours", 5)]


@pytest.mark.parametrize(("keys", "schema"), PLACES, ids=[".".join(keys) for keys, _ in PLACES])
def test_at_every_key_the_schema_accepts_what_loads_and_nothing_else(keys: tuple[str, ...], schema: Schema) -> None:
    path = ".".join(keys)
    for value in [*VALUES, *(each for each in schema.get("enum", []) if each is not None)]:
        blocks = with_value(keys, value)
        accepted = validator().is_valid(file_of(blocks))
        if accepted or (path, value) == ("preflight", {}) or NOT_OF_SETTINGS.fullmatch(path):
            assert not accepted or loads(blocks) or (path, value) in NOT_OF_SCHEMA, (path, value)
        else:
            assert not loads(blocks), (path, value)


@pytest.mark.parametrize(("keys", "schema"), PLACES, ids=[".".join(keys) for keys, _ in PLACES])
def test_every_setting_and_every_word_of_a_closed_set_of_modes_is_explained(
    keys: tuple[str, ...], schema: Schema
) -> None:
    if keys[-1] == "chat" or keys == ("gcp:project",):
        return
    assert re.match(r"[A-Z].*\.$", schema["description"]), keys
    assert all(schema.get("enumDescriptions", ["-"])), keys


TEXT: list[dict[str, Any]] = [
    {"models": json.dumps(GOOD["models"])},
    {"preflight": "false"},
    {"budget": {}},
    {"capacity": None, "models": {"chat": {"model": "qwen3-0.6b", "layout": "simulated"}}},
    {"labels": '{"owner": "a"}'},
    {"hfToken": ""},
    {"models": {"chat": {"model": "./cards/ours.yaml", "layout": "of-the-card"}}},
    {"models": {"chat": {"model": "qwen3-32b", "layout": "multi-node", "proof": "reported"}}},
    {"budget": {"monthlyUsd": 5, "emails": ["a@b.com"]}},
    {"capacity": {"mode": "spot", "reservation": None}},
    {"endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["2001:db8::/32", "8.8.8.8"]}},
    {"cluster": {"existing": {"context": "gke_a-project_europe-west1_lab", "addGpuPools": True}}},
]


@pytest.mark.parametrize("changes", TEXT, ids=json.dumps)
def test_every_form_that_loads_is_accepted(changes: dict[str, Any]) -> None:
    blocks = GOOD | changes
    assert loads(blocks)
    validator().validate(file_of(blocks))


CLIENTS = [
    *("1.2.3", "1.2.3.4.5", "256.0.0.0", "8.8.8.8/33", "8.8.8.8/-1", "8.8.8.8/", "8.8.8.08", "8.8.8.0/024", "8.8.8.8 "),
    *("8.8.8.8/255.255.255.255", "all", "", "*", "example.com", "8.8.8.8-9", "٨.8.8.8", "8.8.8.8,9.9.9.9"),
    *("1:2:3", "::g", "2a00::1::", "2a00:::1", "2a00::/129", "2a00::/024", "1:2:3:4:5:6:7:8:9", "2a00::12345", "a:b"),
    *("8.8.8.8", "8.8.8.0/24", "8.8.8.8/32", "17.0.0.0/8", "2a00:1450::/32", "2A00::1", "2003:0:0:0:1:2:3:4/128"),
    *("2a00::", "2a00::1/128", "2a00:1:2:3:4:5:6::", "2a00:1:2:3:4:5:1.2.3.4", "2a00::1.2.3.4"),
]


@pytest.mark.parametrize("text", CLIENTS)
def test_the_schema_accepts_the_client_ranges_that_load(text: str) -> None:
    gateway = {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": [text]}
    blocks = GOOD | {"endpoint": gateway}
    assert validator().is_valid(file_of(blocks)) == loads(blocks)


@pytest.mark.parametrize("text", ["8.8.8.8/24", "0.0.0.0/0", "::ffff:8.8.8.8"])
def test_what_a_client_range_holds_is_beyond_a_schema(text: str) -> None:
    gateway = {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": [text]}
    blocks = GOOD | {"endpoint": gateway}
    validator().validate(file_of(blocks))
    assert not loads(blocks)


def test_only_the_program_rejects_other_keys_of_the_provider() -> None:
    blocks = GOOD | {"gcp:region": "europe-west1"}
    validator().validate(file_of(blocks))
    assert not loads(blocks)
    (about,) = (
        schema for key, schema in stack_schema()["properties"]["config"]["patternProperties"].items() if "gcp" in key
    )
    assert about["deprecationMessage"].startswith("is not read: only gcp:project is")


def test_keys_of_pulumi_and_keys_without_a_namespace_are_accepted() -> None:
    given = file_of(GOOD | {"gcp:disableGlobalProjectWarning": "true", "pulumi:tags": {"a": "b"}})
    given["config"]["labels"] = {"owner": "a"}
    of_pulumi = {"encryptionsalt": "v1:x", "secretsprovider": "gcpkms://x", "encryptedkey": "x", "environment": ["a"]}
    validator().validate(given | of_pulumi)


@pytest.mark.parametrize("stack", SHIPPED)
def test_a_shipped_stack_is_accepted_and_announces_the_schema(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    assert text.startswith(f"{FIRST_LINE}\n")
    validator().validate(yaml.safe_load(text))


def blocks_of_docs() -> Iterator[tuple[str, str]]:
    """Page and text of each stack file, or part of one, in README and docs, but of the page whose files are wrong."""
    for page in (ROOT / "README.md", *sorted({*(ROOT / "docs").rglob("*.md")} - {mistakes.PAGE})):
        for text in re.findall(r"^```ya?ml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            if not text.startswith("apiVersion:"):  # an object of Kubernetes
                yield page.name, text


BLOCKS = list(blocks_of_docs())


@pytest.mark.parametrize(("page", "text"), BLOCKS, ids=[f"{page}-{i}" for i, (page, _) in enumerate(BLOCKS)])
def test_a_stack_file_in_the_docs_is_accepted(page: str, text: str) -> None:
    for given in alternatives(text):
        blocks = given.get("config", given)
        blocks = {"models": blocks} if "chat" in blocks else blocks
        blocks = {key.removeprefix("dynamo-gke:"): value for key, value in blocks.items()}
        if chat := blocks.get("models", {}).get("chat"):
            blocks["models"]["chat"] = GOOD["models"]["chat"] | chat
        errors = [error.message for error in validator().iter_errors(file_of(GOOD | blocks))]
        assert errors == [], page


def alternatives(text: str) -> list[dict[str, Any]]:
    """The block of a page; one per line where every line is a block of its own."""
    text = re.sub(r"\b[A-Z]{3,}\b", lambda word: word[0].lower(), text.replace("MACHINE-TYPE", "a3-ultragpu-8g"))
    lines = [yaml.safe_load(line) for line in text.splitlines()]
    keys = [[*line] for line in lines if isinstance(line, dict)]
    return lines if len(keys) == len(lines) > 1 and keys[0] == keys[1] else [yaml.safe_load(text)]


def test_the_stack_files_of_the_docs_are_found() -> None:
    assert len(BLOCKS) >= 8


def test_a_command_that_loads_a_stack_does_not_load_the_schema() -> None:
    script = "import sys, ops.commands.preview; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    loaded = set(done.stdout.split())
    assert "settings.schema" in loaded
    assert not loaded & {"settings.stack_schema", "reading.json_schema", "jsonschema"}
