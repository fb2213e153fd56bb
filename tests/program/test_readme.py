"""README and the pages of the journey: each command runs as printed until a cloud is needed, with the output shown."""

import os
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from ops.changes.rollout import restarted
from ops.offline import dry_run, stackfile
from planning.load import load
from planning.plan import plan
from reading.errors import ConfigInvalid
from tests import doc_blocks
from tests.catalog.tree import copy, run
from tests.stacks import ROOT, SHIPPED

JOURNEY = ("README.md", "docs/try.md", "docs/production.md", "docs/call.md", "docs/day-2.md", "docs/failed-update.md")
OFFLINE = {"preview", "init", "rollout", "models", "machines"}
# Beginnings of commands that need a cloud, a cluster, a served endpoint or a state with updates. A word of the shell,
# such as `$deployed`, comes from one of them.
NEEDS_A_CLOUD = (
    *(["gcloud"], ["kubectl"], ["helm"], ["curl"], ["read", "-rs", "token"], ["git", "fetch"]),
    # Of the reader's own repository and terminal.
    *(["git", "add"], ["git", "commit"], ["git", "status"], ["read", "-rs", "PULUMI_CONFIG_PASSPHRASE"]),
    *(["./dynamo-gke", "status"], ["./dynamo-gke", "diff", "--base", "$deployed"]),
    *(["pulumi", word] for word in ("up", "preview", "refresh", "destroy", "cancel")),
    *(["pulumi", "stack", word] for word in ("rm", "output", "history", "export")),
)
# tests/program/test_real_cli.py runs these with the CLI itself.
OF_THE_CLI = (["pulumi", "login", "--local"], ["pulumi", "stack", "init"], ["pulumi", "config", "set"])
PULUMI = shutil.which("pulumi")


def kind(words: tuple[str, ...]) -> str:
    """What a command is, or "unknown"."""
    if words[0] == "./dynamo-gke" and words[1] in OFFLINE:
        return "offline"
    if words[0] == "make":
        return "make"
    begins = {"cloud": NEEDS_A_CLOUD, "cli": OF_THE_CLI}
    found = [name for name, many in begins.items() if any([*words[: len(begin)]] == begin for begin in many)]
    return found[0] if found else "cloud" if words[0].startswith("deployed=$(pulumi") else "unknown"


@pytest.mark.parametrize("page", JOURNEY)
def test_every_command_is_run_or_needs_a_cloud(page: str) -> None:
    found = {words: kind(words) for words in doc_blocks.commands(page)}
    assert found
    assert [words for words, what in found.items() if what == "unknown"] == []


@pytest.mark.parametrize("page", JOURNEY)
def test_every_placeholder_has_a_value_to_test_with(page: str) -> None:
    left = {word for words in doc_blocks.commands(page) for text in words for word in re.findall(r"YOU[@A-Z.-]+", text)}
    assert left <= {"YOUR-NAMESPACE"}  # of commands that need a cluster


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program with the shipped stacks and their policies, in which `init` may write."""
    made = copy(tmp_path_factory.mktemp("readme"))
    for stack in SHIPPED:
        shutil.copy(ROOT / f"Pulumi.{stack}.yaml", made)
    return made


@pytest.mark.parametrize("page", JOURNEY)
def test_what_needs_no_cloud_runs_as_printed_and_prints_what_the_page_shows(page: str, folder: Path) -> None:
    for block in doc_blocks.blocks(page):
        printed = ""
        for words in block.commands:
            if kind(words) == "offline":
                done = run(folder, "ops", *words[1:])
                assert (done.returncode, done.stderr) == (0, ""), words
                printed = done.stdout
        if block.output is not None and all(kind(words) == "offline" for words in block.commands):
            assert doc_blocks.shows(block.output, printed), printed


def test_outputs_are_shown_and_compared() -> None:
    """That the test above looks at something."""
    compared = [
        b for page in JOURNEY for b in doc_blocks.blocks(page) if b.output and kind(b.commands[-1]) == "offline"
    ]
    assert {b.commands[-1][1] for b in compared} >= {"init", "rollout", "preview"}
    assert doc_blocks.shows("a\n…\nb 1…", "a\nx\ny\nb 1 2\n")
    assert not doc_blocks.shows("a\n…\nb", "a\nx\n")
    assert not doc_blocks.shows("a", "a\nb")


@pytest.mark.parametrize(
    "target", sorted({words[1] for page in JOURNEY for words in doc_blocks.commands(page) if words[0] == "make"})
)
def test_a_make_target_exists(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH")
def test_the_cli_has_every_option_of_the_pages() -> None:
    used = {
        (cli_command(words), flag) for page in JOURNEY for words in doc_blocks.commands(page) for flag in options(words)
    }
    assert len(used) >= 5
    missing = [(command, flag) for command, flag in sorted(used) if flag not in cli_help(command)]
    assert missing == []


def cli_command(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[1:3] if words[1] in ("stack", "config") else words[1:2]


def options(words: tuple[str, ...]) -> list[str]:
    return [word.partition("=")[0] for word in words if word.startswith("--")] if words[0] == "pulumi" else []


@cache
def cli_help(command: tuple[str, ...]) -> str:
    assert PULUMI
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    done = subprocess.run([PULUMI, *command, "--help"], capture_output=True, text=True, timeout=60, check=True, env=env)
    return done.stdout


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 180


def test_the_readme_and_the_start_page_name_the_costs_of_the_plans() -> None:
    readme, start = ((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/index.md"))
    for stack, resources in (("try", None), ("prod", "85 resources")):
        planned = plan(load(stackfile.read(ROOT, stack, [])))
        assert f"{planned.cost_per_hour:.2f}" in readme
        assert resources is None or f"{resources} to create" in run(ROOT, "ops", "preview", "--stack", stack).stdout
        assert resources is None or (resources in readme and f"{planned.cost_per_hour:.0f} USD an hour" in start)


FORECAST = re.compile(r"\./dynamo-gke (?:preview|rollout|rehearse) [^`\n]*--set [^`\n]*")


def test_every_change_that_a_page_shows_finishes() -> None:
    """An update that never finishes looks as harmless in a preview as any other."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    shown = {(page.name, line) for page in pages for line in FORECAST.findall(page.read_text(encoding="utf-8"))}
    endless: list[tuple[str, str]] = []
    for page, line in sorted(shown):
        words = shlex.split(line.partition("#")[0])
        chosen = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
        stack = next(words[at + 1] for at, word in enumerate(words) if word in ("-s", "--stack"))
        try:
            said = restarted(dry_run.planned(stack), dry_run.planned(stack, chosen))
        except ConfigInvalid:  # what a page shows as refused, or with a placeholder
            continue
        endless += [(page, line) for sentence in said if "NEVER FINISH" in sentence]
    assert len(shown) > 5
    assert endless == []


def test_the_quick_start_is_complete_and_in_order() -> None:
    begins = [" ".join(words[:4]) for words in doc_blocks.commands("README.md")]
    order = [
        "make dev",
        "gcloud auth login",
        "gcloud auth application-default login",
        "gcloud billing projects link",
        "pulumi stack init try",
        "pulumi config set gcp:project",
        "./dynamo-gke preview --stack try",
        "pulumi up --policy-pack policies",
        "./dynamo-gke status --stack try",
        "curl -s http://127.0.0.1:8000/v1/chat/completions -H",
        "pulumi destroy",
        "pulumi stack rm try",
    ]
    assert [begin for begin in begins if begin in order] == order
