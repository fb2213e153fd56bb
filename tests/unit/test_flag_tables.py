"""Files of flag tables: the smallest valid one, and errors that name the file and the key."""

import json
from pathlib import Path
from typing import Any

import pytest

from catalog.flags.table import read
from reading.errors import ConfigInvalid

SMALLEST: dict[str, Any] = {"module": "a.b", "runtime": {"Dynamo": "1.6.1"}, "flags": {"--size": {"type": "integer"}}}


def errors(path: Path, content: str) -> list[str]:
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigInvalid) as raised:
        read(path, {})
    return [str(error) for error in raised.value.errors]


def test_a_table_needs_no_objects_and_keeps_numbers_as_written(tmp_path: Path) -> None:
    path = tmp_path / "gale.json"
    flags = {"--size": {"type": "integer", "min": 1}, "--share": {"type": "number", "max": 1.5}}
    path.write_text(json.dumps(SMALLEST | {"flags": flags}), encoding="utf-8")
    table = read(path, {})
    assert table.objects == {}
    assert str(table.flags["--size"].min) == "1"
    assert table.flags["--share"].max == 1.5


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"module": None}, ["module: got null; input should be a valid string"]),
        ({"flags": {}}, ["flags: got {}"]),
        ({"flags": []}, ["flags: got []"]),
        ({"flags": {"--a": 1}}, ["flags.--a: got 1"]),
        ({"flags": {"--a": {}}}, ["flags.--a.type: got"]),
        ({"flags": {"--a": {"type": "bool"}}}, ['flags.--a.type: got "bool"']),
        ({"flags": {"--a": {"type": "text", "hidden": True}}}, ["flags.--a.hidden: got true"]),
        ({"flags": {"--a": {"type": "object", "keys": "Cache"}}}, ['flags.--a.keys: "Cache" is not one of']),
        (
            {"runtime": 7, "flags": {"--a": {"type": "text", "choices": "x"}}},
            ['flags.--a.choices: got "x"', "runtime: got 7"],
        ),
    ],
)
def test_errors_name_file_and_key(tmp_path: Path, change: dict[str, Any], expected: list[str]) -> None:
    path = tmp_path / "gale.json"
    found = errors(path, json.dumps(SMALLEST | change))
    assert len(found) == len(expected)
    for error, begin in zip(found, expected, strict=True):
        assert error.startswith(f"{path.as_posix()}: {begin}")


@pytest.mark.parametrize("missing", ["module", "runtime", "flags"])
def test_a_missing_key_is_named(tmp_path: Path, missing: str) -> None:
    content = {key: value for key, value in SMALLEST.items() if key != missing}
    (found,) = errors(tmp_path / "gale.json", json.dumps(content))
    assert f"gale.json: {missing}: " in found


@pytest.mark.parametrize("content", ["", "{", "[1]", "7"])
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: str) -> None:
    (found,) = errors(tmp_path / "gale.json", content)
    assert found.startswith((tmp_path / "gale.json").as_posix())
