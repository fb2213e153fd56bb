"""README and every page of docs/: each command runs as printed until a cloud is needed, with the output shown."""

import os
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.__main__ import app
from tests import doc_blocks
from tests.doc_blocks import PAGES, Block
from tests.page_commands import HERE, Repository, Words, is_ours, needs, runs_here
from tests.stacks import ROOT

PULUMI = shutil.which("pulumi")
# A page, and the first words of a `text` block that no command above it prints on this machine; and what holds it.
HELD_ELSEWHERE = {
    ("README.md", "qwen3-0.6b was asked"): "tests/local/test_call.py",
    ("docs/local.md", "$ make dev"): "a test below compares it with README's",
    ("docs/preview.md", "dynamo-gke · stack prod"): "tests/program/test_goldens.py",
    ("docs/rehearse.md", ""): "examples of rehearsals; tests/rehearsal runs the command",
    ("docs/models.md", "cards/qwen3-32b-ours.yaml: attention"): "a test below makes the mistake",
    ("docs/verification.md", "verified      model listed"): "an example, which the page says",
    ("docs/elsewhere.md", "2 GPUs, 1.53 USD"): "tests/program/test_elsewhere.py",
}
GENERATED = "docs/troubleshooting.md"
"""Its messages are made by tests/program/test_mistakes.py."""
OTHER_CODES = {"docs/rdma.md": 4}
ACCESS = "day-2.md#a-terminal-with-access"


def ran() -> list[tuple[str, Block]]:
    """Page and block, once for each block that has commands of ours that run on this machine."""
    found: dict[Block, str] = {}
    for page in PAGES:
        for block in doc_blocks.blocks(page):
            if any(is_ours(words) for words in block.commands):
                found.setdefault(runs_here(block), page)
    return [(page, block) for block, page in found.items()]


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository.create(tmp_path_factory.mktemp("pages"))


@pytest.mark.parametrize(("page", "block"), ran(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_needs_no_cloud_runs_as_printed_and_prints_what_the_page_shows(
    page: str, block: Block, repository: Repository
) -> None:
    printed = repository.run(block)
    refused = block.output is not None and block.output.startswith("error: ")
    assert {done.code for _, done in printed} == {OTHER_CODES.get(page, 2 if refused else 0)}, printed
    _, last = printed[-1]
    if block.output is not None:
        assert doc_blocks.shows(block.output, last.err if refused else last.out), last
    assert last.code or last.err == ""


@pytest.mark.parametrize("page", PAGES)
def test_every_command_runs_here_or_the_test_says_what_it_needs(page: str) -> None:
    assert [words for words in doc_blocks.commands(page) if needs(words) == "unknown"] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is_and_every_output_is_held(page: str) -> None:
    fences = doc_blocks.fences(page)
    assert {fence.language for fence in fences} <= {"sh", "text", "yaml", "json", "python"}
    compared = [b.output for b in doc_blocks.blocks(page) if b.output and all(needs(w) == HERE for w in b.commands)]
    left = [
        fence.text
        for fence in fences
        if fence.language == "text" and not any(fence.text.endswith(output) for output in compared)
    ]
    held = [begins for of, begins in HELD_ELSEWHERE if of == page]
    if page != GENERATED:
        assert [text for text in left if not any(text.startswith(begins) for begins in held)] == []
        assert [begins for begins in held if not any(text.startswith(begins) for text in left)] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_begins_with_what_it_is_for(page: str) -> None:
    """A sentence, before any command, table or picture; a runbook's title names its alert."""
    _, _, after = text_of(page).partition("\n\n")
    begins = after.removeprefix("## What it means\n\n") if "/runbooks/" in page else after
    assert re.match(r"[A-Z`*].*", begins.strip())
    assert not begins.startswith("```")


@pytest.mark.parametrize("page", PAGES)
def test_every_placeholder_has_a_value_to_test_with(page: str) -> None:
    left = {word for words in doc_blocks.commands(page) for text in words for word in re.findall(r"YOU[@A-Z.-]+", text)}
    assert left <= {"YOUR-NAMESPACE", "YOUR-STATE-EU", "YOUR-STATE-PROD"}  # of commands that need a cloud


@pytest.mark.parametrize("page", PAGES)
def test_who_is_told_to_use_a_cluster_is_told_how_to_reach_it(page: str) -> None:
    begins = {words[:2] for words in doc_blocks.commands(page)}
    if begins & {("./dynamo-gke", "status")} or any(words[0] in ("kubectl", "helm") for words in begins):
        assert ACCESS in text_of(page) or "get-credentials" in text_of(page)


@pytest.mark.parametrize("page", PAGES)
def test_a_forecast_comes_before_the_change_that_it_is_of(page: str) -> None:
    """A forecast of what the stack file says already is empty."""
    for block in doc_blocks.blocks(page):
        done: set[str] = set()
        for words in block.commands:
            if words[:3] == ("pulumi", "config", "set"):
                done |= {word.removeprefix("dynamo-gke:") for word in words}
            elif words[0] == "./dynamo-gke":
                assert not done & {word.partition("=")[0] for word in words if "=" in word}, words


def test_the_outputs_of_several_pages_are_compared() -> None:
    compared = {page for page, block in ran() if block.output is not None}
    assert compared >= {"README.md", "docs/try.md", "docs/engine-flags.md", "docs/capacity.md", "docs/day-2.md"}
    assert doc_blocks.shows("a\n…\nb 1…", "a\nx\ny\nb 1 2\n")
    assert not doc_blocks.shows("a\n…\nb", "a\nx\n")
    assert not doc_blocks.shows("a", "a\nb")


def test_every_make_target_exists() -> None:
    printed = {words[1] for page in PAGES for words in doc_blocks.commands(page) if words[0] == "make"}
    named = printed | {target for page in PAGES for target in re.findall("`make ([a-z-]+)", text_of(page))}
    assert len(named) > 20
    defined = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= defined


OURS = re.compile(r"\./dynamo-gke ((?:models (?:list|show|pin)|[a-z]+)\b[^`#\n]*(?:\\\n[^`#\n]*)*)")


@cache
def options_of(command: str) -> set[str]:
    """The options that the help of a command names."""
    shown = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, command
    return set(re.findall(r"--[a-z][a-z-]*", shown.output))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_ours_exists_with_its_options(page: str) -> None:
    for words in OURS.findall(text_of(page)):
        command = re.match(r"models (?:list|show|pin)|[a-z]+", words)
        assert command
        unquoted = re.sub("'[^']*'", "", words)
        if page != GENERATED:  # which misspells on purpose
            assert set(re.findall(r"(?<=\s|\[)--[a-z][a-z-]*", unquoted)) <= options_of(command[0]), words


@pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH")
def test_the_cli_has_every_option_of_the_pages() -> None:
    used = {
        (cli_command(words), flag) for page in PAGES for words in doc_blocks.commands(page) for flag in flags(words)
    }
    assert len(used) >= 20
    missing = [(command, flag) for command, flag in sorted(used) if flag not in cli_help(command)]
    assert missing == []


def cli_command(words: Words) -> Words:
    return words[1:3] if words[1] in ("stack", "config", "state") and not words[2].startswith("-") else words[1:2]


def flags(words: Words) -> list[str]:
    return [word.partition("=")[0] for word in words if word.startswith("--")] if words[0] == "pulumi" else []


@cache
def cli_help(command: Words) -> str:
    assert PULUMI
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    done = subprocess.run([PULUMI, *command, "--help"], capture_output=True, text=True, timeout=60, check=True, env=env)
    return done.stdout


def test_the_first_answer_is_shown_alike_on_two_pages() -> None:
    """README's is compared with a run; the page on it shows more."""
    (short,) = [f.text for f in doc_blocks.fences("README.md") if f.text.startswith("qwen3-0.6b was asked")]
    (long,) = [f.text for f in doc_blocks.fences("docs/local.md") if f.text.startswith("$ make dev")]
    times = re.compile(r"\d+ ms")
    assert times.sub("N", short) in times.sub("N", long)


def test_a_wrong_card_is_refused_as_the_page_says(repository: Repository) -> None:
    (shown,) = [f.text for f in doc_blocks.fences("docs/models.md") if "attention.kvHeads" in f.text]
    repository.clean()
    card: Path = repository.folder / shown.partition(":")[0]
    card.parent.mkdir()
    text = (ROOT / "catalog/models/qwen3-32b.yaml").read_text(encoding="utf-8")
    card.write_text(text.replace("kvHeads: 8", "kvHeads: 0"), encoding="utf-8")
    done = repository.alone(tuple(shlex.split("./dynamo-gke models show ./cards/qwen3-32b-ours.yaml")))
    assert (done.code, done.err) == (2, f"error: {shown}")
