"""docs/policies.md says what the code does."""

import json
import re

from pulumi_policy import StackValidationPolicy

from policies.rules import RULES
from tests.stacks import ROOT


def test_the_table_is_the_code() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|(.*)\|$", (ROOT / "docs/policies.md").read_text(), re.MULTILINE)
    expected: list[tuple[str, str]] = []
    for rule in RULES:
        properties = rule.config_schema.properties if rule.config_schema else {}
        settings = "; ".join(
            f"`{name}` ({schema['type']}, {json.dumps(schema['default'])}): {schema['description']}"
            for name, schema in properties.items()
        )
        assert rule.enforcement_level
        assert rule.severity
        cells = (rule.enforcement_level.value, rule.severity.value, rule.description, settings or "–")
        expected.append((rule.name, f" {' | '.join(cells)} "))
    assert rows == expected


def test_the_docs_say_which_rules_judge_the_stack() -> None:
    (cells,) = re.findall(r"^\| on the stack: (.*?) \|", (ROOT / "docs/policies.md").read_text(), re.MULTILINE)
    assert re.findall(r"`([a-z-]+)`", cells) == [r.name for r in RULES if isinstance(r, StackValidationPolicy)]
