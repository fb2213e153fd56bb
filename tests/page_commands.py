"""What each command that README and docs print needs, and a repository in which those run that need nothing."""

import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ops.__main__ import app
from ops.offline import stackfile
from tests.catalog.tree import copy, run
from tests.doc_blocks import Block
from tests.stacks import ROOT, SHIPPED

Words = tuple[str, ...]

HERE = "this machine"
OURS = {"preview", "init", "rollout", "diff", "models", "machines"}
SHELL = {("mkdir",), ("cp",), ("git", "add"), ("git", "diff"), ("git", "switch")}
"""Commands on the reader's files; they run before a command of ours in the same block."""

# Beginnings of all other commands, by what they need. The first one that fits counts.
NEEDS: dict[str, tuple[str, ...]] = {
    "nothing; tests/program/test_real_cli.py runs it": ("pulumi login --local", "pulumi stack init", "pulumi config"),
    "nothing; a test looks for its target": ("make",),
    "a model hub": ("./dynamo-gke models pin", "python -m workloads.jobs.fetch_weights"),
    "a deployed commit": (
        "./dynamo-gke diff --base $deployed",
        "git fetch",
        "git status",
        "deployed=$(pulumi",
        "echo deployed:",
    ),
    "a terminal, or a commit of the reader's": ("read -rs", "git commit", "kill %1"),
    "Google Cloud": (
        "gcloud",
        "pulumi up",
        "pulumi preview",
        "pulumi refresh",
        "pulumi destroy",
        "pulumi import",
        "PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up",
    ),
    "a stack's state": (
        "pulumi login",
        "pulumi stack",
        "pulumi state",
        "pulumi cancel",
        "url=$(pulumi",
        "STACK=prod",
        "rm ~/.pulumi",
    ),
    "a cluster": ("kubectl", "helm", "./dynamo-gke status"),
    "nothing; tests/workflows/test_commands.py runs it": ("./dynamo-gke preview --stack prod --base",),
    "nothing; tests/program/test_elsewhere.py runs it": ("python -m venv", "pip install", "python serve.py"),
    "the programs of a rehearsal; tests/rehearsal/test_rehearse.py runs it": ("./dynamo-gke rehearse",),
    "a served endpoint": ("curl", "./dynamo-gke verify --endpoint"),
    "a pod's log; tests/unit/test_verify_transport.py has some": ("./dynamo-gke verify --transport-log",),
    "a project on GitHub, with bootstrap's outputs": ("for name in", "gh", "(cd bootstrap"),
    "another project's administrator": ("for role in",),
}


def needs(words: Words) -> str:
    """What a command needs, or "unknown"."""
    if any(words[: len(begin)] == begin for begin in SHELL):
        return HERE
    line = " ".join(words)
    for need, begins in NEEDS.items():
        if any(f"{line} ".startswith(begin) for begin in begins):
            return need
    return HERE if words[0] == "./dynamo-gke" and words[1] in OURS else "unknown"


def is_ours(words: Words) -> bool:
    return words[0] == "./dynamo-gke" and needs(words) == HERE


def runs_here(block: Block) -> Block:
    """The block without what needs more than this machine; with `pulumi config set`, on which the rest may depend."""
    kept = tuple(words for words in block.commands if needs(words) == HERE or _is_init(words) or _is_set(words))
    return Block(kept, block.output if all(needs(words) == HERE for words in block.commands) else None)


def _is_init(words: Words) -> bool:
    return words[:3] == ("pulumi", "stack", "init")


def _is_set(words: Words) -> bool:
    return words[:3] == ("pulumi", "config", "set") and "--secret" not in words


@dataclass(frozen=True)
class Printed:
    code: int
    out: str
    err: str


@dataclass
class Repository:
    """A copy of the program in git, with the branches `main` and `origin/main`, on which blocks run as printed."""

    folder: Path
    done: dict[Words, Printed] = field(default_factory=dict)
    """By command, for those that ran on the shipped stack files."""

    @classmethod
    def create(cls, folder: Path) -> "Repository":
        made = cls(copy(folder))
        for stack in SHIPPED:
            shutil.copy(ROOT / f"Pulumi.{stack}.yaml", folder)
        shutil.copy(ROOT / ".gitignore", folder)
        made.git("init --quiet --initial-branch main")
        made.git("add .")
        made.git("-c user.name=a -c user.email=a@example.com commit --quiet --message first")
        made.git("update-ref refs/remotes/origin/main HEAD")
        return made

    def git(self, words: str) -> None:
        subprocess.run(["git", *shlex.split(words)], cwd=self.folder, check=True, timeout=60, stdin=subprocess.DEVNULL)

    def clean(self) -> None:
        """The repository as it was created."""
        self.git("switch --quiet --force main")
        self.git("clean --quiet --force -d")

    def run(self, block: Block) -> list[tuple[Words, Printed]]:
        """What each command of ours in the block prints, after those before it."""
        self.clean()
        shipped, stack = True, "prod"
        found: list[tuple[Words, Printed]] = []
        for words in block.commands:
            if _is_init(words):
                stack = words[3]
            elif _is_set(words):
                shipped &= not self._set(words, stack)
            elif is_ours(words):
                found.append((words, self._once(words) if shipped else self.alone(words)))
            elif needs(words) == HERE:
                shipped = False
                subprocess.run(words, cwd=self.folder, check=True, timeout=60, stdin=subprocess.DEVNULL)
        return found

    def _set(self, words: Words, stack: str) -> bool:
        """Writes a value into the stack file, as the CLI does; returns whether that changed the file."""
        given = [word for word in words[3:] if word != "--path"]
        if "--stack" in given:
            stack = given.pop(given.index("--stack") + 1)
            given.remove("--stack")
        key, value = given
        before = stackfile.blocks(self.folder, stack)
        after = stackfile.blocks(self.folder, stack, [f"{key.removeprefix('dynamo-gke:')}={value}"])
        if before != after:
            text = yaml.safe_dump({"config": after})
            (self.folder / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
        return before != after

    def _once(self, words: Words) -> Printed:
        """A command on the shipped stack files, which several pages may print."""
        key = tuple(word.replace("origin/main", "main") for word in words)  # two names of one commit
        if key not in self.done:
            self.done[key] = self.alone(words) if "--base" in words else self._in_process(words)
        return self.done[key]

    def alone(self, words: Words) -> Printed:
        done = run(self.folder, "ops", *words[1:])
        return Printed(done.returncode, done.stdout, done.stderr)

    def _in_process(self, words: Words) -> Printed:
        """Faster, but reads model cards from this checkout."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stackfile, "project_root", lambda: self.folder)
            patch.chdir(self.folder)
            done = CliRunner().invoke(app, words[1:], env={"NO_COLOR": "1"})
        return Printed(done.exit_code, done.stdout, done.stderr)
