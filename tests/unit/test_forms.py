"""Errors of values and keys of the wrong form: the rule in words, an example, and what was meant."""

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

from catalog.models import Card
from reading import shape, spelling
from settings.schema import Settings
from tests.stacks import errors

QWEN = {"model": "qwen3-32b", "layout": "multi-node"}


def declared(here: Any) -> Iterator[Any]:
    """Every declaration of a type, those of keys, entries and blocks inside included."""
    annotation = shape.bare(here)
    yield here
    for block in shape.blocks(here):
        for field in block.model_fields.values():
            yield from declared(field)
    if get_origin(annotation) in (dict, tuple):
        for inner in get_args(annotation):
            if inner is not ...:
                yield from declared(inner)


def pattern(field: FieldInfo) -> str | None:
    return next((found for extra in field.metadata if (found := getattr(extra, "pattern", None))), None)


def with_patterns() -> list[tuple[str, Any]]:
    return [
        (text, here)
        for model in (Settings, Card)
        for here in declared(model)
        if (text := next((found for field in shape.fields(here) if (found := pattern(field))), None))
    ]


def test_the_walk_finds_values_keys_and_entries() -> None:
    found = {text for text, _ in with_patterns()}
    assert len(found) >= 18
    for part in ("[a-zA-Z0-9-]{0,40}", "[^@", "{0,28}", "{64}", "reservationBlocks"):  # key, entry, key, card, optional
        assert any(part in text for text in found), part


@pytest.mark.parametrize(("text", "here"), with_patterns(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_pattern_has_its_rule_in_words_and_a_valid_example(text: str, here: Any) -> None:
    said = shape.rule(here)
    assert any(field.description for field in shape.fields(here)), f"{text} has no description"
    assert ", such as " in said
    assert re.fullmatch(text, said.rpartition(", such as ")[2])


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"location.region": "Europe West1"}, "location.region", "lower case.*; did you mean europe-west1?"),
        ({"location.zone": "europe-west1b"}, "location.zone", "did you mean europe-west1-b?"),
        ({"gcp:project": "My Project"}, "gcp:project", "6 to 30 .*did you mean my-project?"),
        ({"labels": {"Cost Center": "x"}}, "labels.Cost Center", "a lower-case letter.*did you mean cost-center?"),
        ({"labels.costCenter": "ML Platform"}, "labels.costCenter", "1 to 63 .*did you mean ml-platform?"),
        ({"models.Code_Two": QWEN}, "models.Code_Two", "1 to 30 .*did you mean code-two?"),
        ({"cluster.maintenance.start": "2:00"}, "cluster.maintenance.start", "HH:MM.*did you mean 02:00?"),
        ({"endpoint": {"exposure": "gateway", "domain": "https://LLM.example.com/", "allowedCidrs": ["192.0.2.0/24"]}},
         "endpoint.domain", "without scheme.*did you mean llm.example.com?"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_form_is_reported_with_a_suggestion(changes: dict[str, Any], path: str, says: str) -> None:
    said = {error.path: error.message for error in errors(changes)}[path]
    assert re.search(says.replace("?", r"\?"), said), said


def test_a_suggestion_that_is_taken_or_holds_a_token_is_not_made() -> None:
    taken = {"models.Chat": QWEN}
    assert all("did you mean chat?" not in error.message for error in errors(taken))
    assert spelling.like(f"hf_{'Ab1' * 12} x", r"^[a-z0-9-]+$") is None
    assert spelling.like("x" * 40, r"^[a-z]{1,30}$") is None
