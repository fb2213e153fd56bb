"""What pages say of commands in running text: the stack that a command is about, and the keys of its JSON."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ops.__main__ import app
from ops.changes.comparison import compare
from ops.changes.previewed import NOTHING
from ops.offline.base_checkout import Base, JudgedByBase
from ops.rehearsal.engine.report import Report, StepReport
from ops.report import diff_report, findings
from planning.load import load
from planning.plan import plan
from tests import doc_blocks
from tests.stacks import ROOT, config

GROUP: Any = typer.main.get_command(app)
CONTEXT = GROUP.make_context("ops", [], resilient_parsing=True)
COMMANDS = {name: GROUP.get_command(CONTEXT, name) for name in GROUP.list_commands(CONTEXT)}
OF_A_STACK = {name for name, command in COMMANDS.items() if any("--stack" in p.opts for p in command.params)}
EVERY_PAGE = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))

ABOUT_NO_STACK = {
    "./dynamo-gke local --port 0",  # for `make local`, which runs the default stack
    "./dynamo-gke preview prod",  # a mistake, which the page corrects
    "./dynamo-gke preview --json",  # whether a version has it
}


def inline(page: str) -> Iterator[list[str]]:
    """The commands of ours in a page's running text and tables, as words."""
    text = doc_blocks.FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for code in re.findall(r"`(\./dynamo-gke [^`]*)`", text):
        if code not in ABOUT_NO_STACK:
            yield code.split()


def names_a_stack(words: list[str]) -> bool:
    return "--stack" in words or "-s" in words


def about_no_stack(words: list[str]) -> bool:
    """Whether a command names no stack although it is one to run, not only the name of a command in a sentence."""
    runs = len(words) > 2 or words[1] == "status"
    return words[1] in OF_A_STACK and runs and not names_a_stack(words)


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_a_command_to_run_names_its_stack(page: str) -> None:
    """Without a stack it would be about `dev`, in the middle of an upgrade of another one."""
    assert {"status", "diff", "rollout"} <= OF_A_STACK
    in_text = [] if page == "README.md" else [" ".join(words) for words in inline(page) if about_no_stack(words)]
    assert in_text == []
    assert [
        words
        for words in doc_blocks.commands(page)
        if words[0] == "./dynamo-gke" and words[1] in OF_A_STACK and not names_a_stack(list(words))
    ] == []


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def printed(*words: str) -> dict[str, Any]:
    return json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)


@pytest.fixture(scope="module")
def known() -> set[str]:
    """The keys that commands print with --json, and their names."""
    golden = json.loads((ROOT / "tests/golden/prod.preview.json").read_text(encoding="utf-8"))
    base = Base(ref="", commit="", snapshot=NOTHING, note=None, policies={}, judging={}, judged=JudgedByBase())
    outputs = [
        golden,
        diff_report.to_wire("prod", base, compare(NOTHING, NOTHING)),
        findings.as_json(plan(load(config())), "", (), "the cluster cannot be read"),
        printed("status", "--stack", "nope"),
        printed("models", "show", "llama-3.3-70b-instruct"),
        Report(stack="dev", steps=[StepReport(name="up", ok=True, seconds=1, said="")]).to_wire(),
    ]
    return {key for output in outputs for key in keys(output)} | set(COMMANDS)


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_key_of_json_that_a_page_names_is_printed(page: str, known: set[str]) -> None:
    text = doc_blocks.FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    named = {
        word
        for paragraph in re.split(r"\n\s*\n|\n- ", text)
        if "--json`" in paragraph and not paragraph.startswith("|")
        for word in re.findall(r"`([a-z][A-Za-z]*)`", paragraph)
    }
    assert named - known - ELSEWHERE.get(page, set()) == set()


ELSEWHERE: dict[str, set[str]] = {
    # Of saved logs: tests/program/test_commands.py::test_ops_verify_judges_saved_logs. `proof` is an older command.
    "docs/verification.md": {"verified", "pods", "pod", "verdict", "reason", "proof"},
    # What the text of `diff` and the warnings of `preview` call such a rule.
    "docs/policies.md": {"weaker"},
}
