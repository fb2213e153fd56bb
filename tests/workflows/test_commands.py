"""The commands inside the workflows exist, with their options, and the cheap ones do what they should."""

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from ops import __main__ as cli
from ops.report.drawn import only_draws
from ops.report.quoted import SUMMARY_LIMIT, quoted
from tests.catalog.tree import ROOMS
from tests.stacks import ROOT
from tests.workflows.files import Step, steps
from tools.diff_comment import comment, marker

MAKE = re.compile(r"^\s*make (.+)$", re.MULTILINE)
MODULE = re.compile(r"python3? -m ((?:ops|tools)\.[\w.]+)")
RUNS = [step for step in steps() if step.run]


def ops_commands() -> list[tuple[str, ...]]:
    """The words after `python -m ops`, of every such line."""
    scripts = [step.run.replace("\\\n", " ") for step in RUNS]
    lines = [line for script in scripts for line in script.splitlines() if "-m ops " in line]
    return [tuple(shlex.split(re.split(r" (?:2>&1|>|\|)", line.split("-m ops ")[1])[0])) for line in lines]


def step(workflow: str, words: str) -> Step:
    return next(s for s in RUNS if s.workflow == workflow and words in s.run)


@pytest.mark.parametrize("target", sorted({words for s in RUNS for words in MAKE.findall(s.run)}))
def test_a_make_target_exists(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *shlex.split(target.replace("$STACK", "dev"))],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", ops_commands(), ids=" ".join)
def test_an_ops_command_exists_with_its_options(words: tuple[str, ...]) -> None:
    app = typer.main.get_group(cli.app)
    command = app.get_command(app.make_context("dynamo-gke", [*words[:1], "--help"]), words[0])
    assert command
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_commands_are_found() -> None:
    """That the tests above look at something."""
    assert {words[0] for words in ops_commands()} == {"preview", "diff"}
    assert {t for s in RUNS for t in MAKE.findall(s.run)} >= {"check", "contract", "test", "setup"}


def test_a_module_that_a_workflow_runs_exists() -> None:
    modules = {name for s in RUNS for name in MODULE.findall(s.run)}
    assert modules == {"ops.report.quoted", "tools.diff_comment", "tools.drift_issue"}
    for name in modules:
        assert (ROOT / name.replace(".", "/")).with_suffix(".py").exists()


def run(of: Step, summary: Path, folder: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """The step's script as the runner starts it: bash with -e and pipefail."""
    if not (folder / ".venv" / "bin" / "python").exists():
        pytest.skip("no .venv beside the checkout; `make setup` makes it")
    summary.touch()
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", of.run],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", "GITHUB_STEP_SUMMARY": str(summary), **env},
    )  # fmt: skip


def test_the_preview_step_shows_the_plan_in_the_summary_and_draws_it(pull_request: Path, tmp_path: Path) -> None:
    done = run(step("preview", "ops preview"), tmp_path / "summary.md", pull_request, STACK="dev", BASE="main")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no change" in (pull_request / "build" / "page.html").read_text()
    assert only_draws((pull_request / "build" / "picture.mmd").read_text())
    shown = (tmp_path / "summary.md").read_text()
    assert shown.startswith("```text\n")
    assert shown.endswith("```\n\n</details>\n")
    assert "resources to create" in shown


def test_an_error_ends_the_preview_step_and_is_in_the_summary(tmp_path: Path) -> None:
    done = run(step("preview", "ops preview"), tmp_path / "summary.md", STACK="prdo", BASE="main")
    assert done.returncode == 2
    shown = (tmp_path / "summary.md").read_text()
    assert "did you mean prod?" in shown
    assert shown.endswith("```\n")


@pytest.fixture
def pull_request(tmp_path: Path) -> Path:
    """The program as a repository whose base, origin/main, is what is checked out here; the head is the test's."""
    repository = tmp_path / "repository"
    git = ("git", "-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "core.hooksPath=")
    for room in ROOMS:
        shutil.copytree(ROOT / room, repository / room, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (ROOT / "__main__.py", *ROOT.glob("Pulumi*.yaml")):
        shutil.copy(path, repository)
    (repository / ".gitignore").write_text(".venv\n__pycache__/\nbuild/\n")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "base")):
        subprocess.run([*git, *words], check=True, timeout=60)
    subprocess.run([*git, "update-ref", "refs/remotes/origin/main", "HEAD"], check=True, timeout=60)
    (repository / ".venv").symlink_to((ROOT / ".venv").resolve())
    return repository


@dataclass(frozen=True)
class Pull:
    """A change of a stack's file, and what the pull request's step and comment make of it."""

    name: str
    stack: str
    old: str
    new: str
    code: int
    says: str


PULLS = [
    Pull("fine", "prod", 'costCenter: "1234"', 'costCenter: "5678"', 0, "updated"),
    Pull(
        "replaces the prefill pool",
        "prod",
        "zone: europe-west1-b",
        "zone: europe-west1-c, allowUnlisted: true",
        4,
        "H200",
    ),
    Pull("does not load", "prod", "model: llama-3.3", "modle: llama-3.3", 2, "did you mean model"),
    Pull("nine replicas", "dev", "layout: simulated", "layout: simulated, decode: {replicas: 9}", 0, "replicas: 1 → 9"),
    Pull("a pasted token", "prod", "config:\n", "config:\n  dynamo-gke:hfToken: hf_Pasted123\n", 2, "is in plain text"),
]


@pytest.mark.parametrize("case", PULLS, ids=lambda case: case.name)
def test_a_change_from_the_diff_step_to_the_comment(pull_request: Path, tmp_path: Path, case: Pull) -> None:
    stack = pull_request / f"Pulumi.{case.stack}.yaml"
    assert case.old in stack.read_text()
    stack.write_text(stack.read_text().replace(case.old, case.new))
    summary = tmp_path / "summary.md"
    done = run(step("preview", "ops diff"), summary, pull_request, STACK=case.stack, BASE="main")
    assert done.returncode == case.code, done.stderr
    diff = (pull_request / "build" / "diff.txt").read_text()
    assert summary.read_text() == quoted(diff, SUMMARY_LIMIT) + "\n"
    text = comment(case.stack, diff, "https://github.example/run")
    assert text.startswith(marker(case.stack))
    assert case.says in text
    assert "hf_Pasted123" not in text + done.stdout + done.stderr
