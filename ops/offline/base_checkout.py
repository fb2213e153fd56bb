"""The base of a diff: its preview by its own code, in a git worktree of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.changes.previewed import NOTHING, Snapshot
from ops.offline import policy_config, policy_strength, what_judges
from ops.offline.policy_strength import InForce
from ops.report.plain import plain
from policies.rules import RULES
from reading.errors import ConfigInvalid

# A preview takes a few seconds, the first one after a checkout longer: Python has not compiled its modules yet.
PREVIEW_SECONDS = 180.0
GIT_SECONDS = 60.0


class DiffFailed(Exception):
    """The comparison failed; the message says why in one sentence."""


@dataclass(frozen=True, kw_only=True)
class JudgedByBase:
    """The head's resources as the base's rules judge them."""

    violations: Sequence[Mapping[str, str]] = ()
    """Mandatory violations; each has a policy, its severity, a urn and a message."""
    unjudged: str | None = None
    """Why there are no verdicts; None when there are."""
    failed: bool = False
    """Whether the base has rules that can judge another checkout, and they gave no verdict."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """What the head is compared with."""

    ref: str
    commit: str
    snapshot: Snapshot
    note: str | None
    """Why the snapshot is empty; None when it is the base's preview."""
    policies: InForce
    """The rules in force for the stack at the base."""
    judging: Mapping[str, str]
    """Path → digest of each file that decides the base's verdicts."""
    judged: JudgedByBase


def base(root: Path, ref: str, stack: str, head: Mapping[str, Any]) -> Base:
    """The base's preview of a stack, or an empty one with the reason; and its verdicts on the head's preview.

    Raises DiffFailed for what is no commit.
    """
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if not commit:
        raise DiffFailed(f"--base {ref!r} is no commit of this repository; fetch it first, or give a branch or hash")
    folder = _git(root, "rev-parse", "--show-prefix") or ""
    with _worktree(root, commit) as worktree:
        snapshot, note, policies = _preview(worktree / folder, stack)
        policies = policies or _configured(worktree / folder, stack)
        judging = what_judges.digests(worktree / folder)
        judged = _judged(worktree / folder, stack, head)
    return Base(ref=ref, commit=commit, snapshot=snapshot, note=note, policies=policies, judging=judging, judged=judged)


def _environment() -> dict[str, str]:
    """This process's environment without what would lead git to the user's index or Python to the head's code.

    Python reads and writes UTF-8 there, whatever the locale: an older base depends on it.
    """
    git = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    python = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONIOENCODING")
    return {key: value for key, value in os.environ.items() if key not in (*git, *python)} | {"PYTHONUTF8": "1"}


def _git(root: Path, *words: str) -> str | None:
    """What a git command prints, None when it fails. Hooks do not run: they are the user's, for the user's checkout."""
    try:
        done = subprocess.run(
            ["git", "-c", f"core.hooksPath={os.devnull}", *words],
            cwd=root, env=_environment(), capture_output=True, encoding="utf-8", timeout=GIT_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DiffFailed(f"git {words[0]} cannot be run: {error}") from error
    return done.stdout.strip() if done.returncode == 0 else None


@contextmanager
def _worktree(root: Path, commit: str) -> Iterator[Path]:
    """A checkout of a commit beside the user's, gone afterwards whatever happens."""
    with tempfile.TemporaryDirectory(prefix="dynamo-gke-diff-") as parent:
        path = Path(parent) / "base"
        try:
            if _git(root, "worktree", "add", "--detach", "--quiet", str(path), commit) is None:
                raise DiffFailed(f"git worktree add failed for {commit[:12]}")
            yield path
        finally:
            _git(root, "worktree", "remove", "--force", str(path))


def _configured(folder: Path, stack: str) -> InForce:
    """The rules in force by a checkout's policy configuration; every rule's default if that is invalid."""
    try:
        return policy_strength.in_force(RULES, policy_config.read(folder, stack))
    except ConfigInvalid:
        return policy_strength.in_force(RULES, {})


def _judged(folder: Path, stack: str, head: Mapping[str, Any]) -> JudgedByBase:
    """The head's preview judged by the rules and the configuration of a checkout, in a process of its own."""
    if not (folder / "ops/offline/judge_recording.py").is_file():
        return JudgedByBase(unjudged="the base's version does not support this")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ops.offline.judge_recording", stack], input=json.dumps(head),
            cwd=folder, env=_environment(), capture_output=True, encoding="utf-8", timeout=PREVIEW_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return JudgedByBase(unjudged=f"they took longer than {PREVIEW_SECONDS:.0f} s", failed=True)
    try:
        return JudgedByBase(violations=json.loads(done.stdout))
    except ValueError:
        said = plain(done.stderr.strip().rpartition("\n")[2]) or "they printed nothing"
        return JudgedByBase(unjudged=said, failed=True)


def _preview(folder: Path, stack: str) -> tuple[Snapshot, str | None, InForce | None]:
    """The preview of a checkout by its own code, or nothing with the reason in one sentence; and its policies."""
    if not (folder / f"Pulumi.{stack}.yaml").is_file():
        return NOTHING, f"the base has no stack {stack}, so everything is created", None
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ops", "preview", "--stack", stack, "--json"],
            cwd=folder, env=_environment(), capture_output=True, encoding="utf-8", timeout=PREVIEW_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DiffFailed(f"the preview of the base took longer than {PREVIEW_SECONDS:.0f} s") from None
    try:
        printed = json.loads(done.stdout)
        if "faults" in printed:
            errors = "; ".join(plain(f"{error['path']}: {error['message']}") for error in printed["faults"])
            return NOTHING, f"the base does not load, so it is compared with nothing: {errors}", None
        return Snapshot.from_wire(printed), None, printed.get("rules")
    except (ValueError, KeyError, TypeError):
        said = next((line for line in reversed(done.stderr.splitlines()) if line.strip(" │╭╮╰╯─")), "it said nothing")
        return (
            NOTHING,
            "the base's `ops preview --json` is unreadable, so it is compared with nothing: "
            f"it ended with {done.returncode}, {plain(said.strip(' │'))}",
            None,
        )
