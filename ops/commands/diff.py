"""`python -m ops diff`: a base's preview by its own code in a worktree of its own, and how a comparison is told."""

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

from ops.changes.change import Change, Comparison, InputChange, Kind, cost, few
from ops.changes.effects import Effect
from ops.changes.previewed import NOTHING, Snapshot
from ops.offline import policy_config, policy_strength
from ops.offline.policy_strength import InForce
from ops.report.plain import plain
from ops.report.quoted import quoted
from policies.rules import RULES
from reading.errors import ConfigInvalid

# A preview takes a few seconds, the first one after a checkout longer: its bytecode is not there yet.
PREVIEW_SECONDS = 180.0
GIT_SECONDS = 60.0
# GitHub refuses a comment of more than 65,536 characters.
COMMENT_LIMIT = 64_000


class DiffFailed(Exception):
    """No comparison could be made; the message is a sentence that says why."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """What the head is compared with."""

    ref: str
    commit: str
    snapshot: Snapshot
    note: str | None
    """Why the snapshot is empty; None when it is the base's preview."""
    policies: InForce
    """What judges the stack at the base."""


def base(root: Path, ref: str, stack: str) -> Base:
    """The base's preview of a stack, or an empty one with the reason. Raises DiffFailed for what is no commit."""
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if not commit:
        raise DiffFailed(f"--base {ref!r} is no commit of this repository; fetch it first, or give a branch or a hash")
    folder = _git(root, "rev-parse", "--show-prefix") or ""
    with _worktree(root, commit) as worktree:
        snapshot, note, policies = _preview(worktree / folder, stack)
        policies = policies or _configured(worktree / folder, stack)
    return Base(ref=ref, commit=commit, snapshot=snapshot, note=note, policies=policies)


def _environment() -> dict[str, str]:
    """This process's environment without what would lead git to the user's index or Python to the head's code."""
    astray = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "PYTHONPATH", "PYTHONSAFEPATH")
    return {key: value for key, value in os.environ.items() if key not in astray}


def _git(root: Path, *words: str) -> str | None:
    """What a git command prints, None when it fails. Hooks do not run: they are the user's, for the user's checkout."""
    try:
        done = subprocess.run(
            ["git", "-c", f"core.hooksPath={os.devnull}", *words],
            cwd=root, env=_environment(), capture_output=True, text=True, timeout=GIT_SECONDS, check=False,
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
    """What judges a stack by a checkout's policy configuration; every rule's default where that is invalid."""
    try:
        return policy_strength.in_force(RULES, policy_config.read(folder, stack))
    except ConfigInvalid:
        return policy_strength.in_force(RULES, {})


def _preview(folder: Path, stack: str) -> tuple[Snapshot, str | None, InForce | None]:
    """The preview of a checkout by its own code, or nothing with the reason in one sentence; and its policies."""
    if not (folder / f"Pulumi.{stack}.yaml").is_file():
        return NOTHING, f"the base has no stack {stack}, so everything is created", None
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ops", "preview", "--stack", stack, "--json"],
            cwd=folder, env=_environment(), capture_output=True, text=True, timeout=PREVIEW_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DiffFailed(f"the preview of the base took longer than {PREVIEW_SECONDS:.0f} s") from None
    try:
        printed = json.loads(done.stdout)
        if "faults" in printed:
            faults = "; ".join(plain(f"{fault['path']}: {fault['message']}") for fault in printed["faults"])
            return NOTHING, f"the base does not load, so it is compared with nothing: {faults}", None
        return Snapshot.from_wire(printed), None, printed.get("rules")
    except (ValueError, KeyError, TypeError):
        said = next((line for line in reversed(done.stderr.splitlines()) if line.strip(" │╭╮╰╯─")), "it said nothing")
        return (
            NOTHING,
            "the base has no `ops preview --json` that can be read, so it is compared with nothing: "
            f"it ended with {done.returncode}, {plain(said.strip(' │'))}",
            None,
        )


def verdict(comparison: Comparison) -> str:
    """One line: what happens, what it costs."""
    counts = [f"{len(found)} {kind}" for kind in Kind if (found := comparison.of(kind))]
    if comparison.weakened:
        counts.append(f"{len({weakening.policy for weakening in comparison.weakened})} policies weaker")
    return ": ".join(filter(None, [", ".join(counts) or "no change", "; ".join(comparison.losses)]))


def configured(comparison: Comparison) -> list[str]:
    """Policies that are weaker than by default, and were so at the base: no part of the change."""
    told = {(weakening.policy, weakening.now) for weakening in comparison.weakened}
    weak = [str(weakening) for weakening in comparison.weak if (weakening.policy, weakening.now) not in told]
    return (
        ["", "policy configuration of this stack, no part of the change:", *(f"          {w}" for w in weak)]
        if weak
        else []
    )


def effects(comparison: Comparison) -> list[str]:
    """What the changes add up to beside the verdict: cost per hour, graphs that restart."""
    before, after = comparison.cost_before, comparison.cost_after
    lines = [f"all workers of graph {name} roll (docs/upgrades.md)" for name in comparison.rolling]
    if before != after:
        gained = "" if before.usd is None or after.usd is None else f" ({after.usd - before.usd:+,.2f})"
        lines.append(f"cost per hour: {before} → {after}{gained}")
    return lines


def to_wire(stack: str, base: Base, comparison: Comparison) -> dict[str, Any]:
    return {
        "stack": stack,
        "base": {"ref": base.ref, "commit": base.commit, "note": base.note},
        "verdict": verdict(comparison),
        "losses": list(comparison.losses),
        "needsAllowReplace": [change.urn for change in comparison.guarded],
        "policies": {
            "weakened": [weakening.to_wire() for weakening in comparison.weakened],
            "weakerThanDefault": [weakening.to_wire() for weakening in comparison.weak],
        },
        "rolling": list(comparison.rolling),
        "costPerHour": {"before": comparison.cost_before.usd, "after": comparison.cost_after.usd},
        "costPerHourKnown": {"before": comparison.cost_before.known, "after": comparison.cost_after.known},
        "costPerHourUpperBound": {"before": comparison.cost_before.bound, "after": comparison.cost_after.bound},
        "changes": [
            {
                "change": change.kind.value,
                "urn": change.urn,
                "type": change.type,
                "name": change.name,
                "renamedFrom": change.renamed_from,
                "inputs": [
                    {
                        "path": i.path,
                        "before": i.before,
                        "after": i.after,
                        "forces": i.forces,
                        "effect": i.effect.value,
                        "why": i.why,
                    }
                    for i in change.inputs
                ],
                "because": list(change.because),
                "deletedFirst": change.deleted_first,
                "protected": change.protected,
                "cost": cost(change),
                "fails": list(change.fails),
                "notes": list(change.notes),
            }
            for change in comparison.changes
        ],
    }


def to_text(stack: str, base: Base, comparison: Comparison, warnings: Sequence[str] = ()) -> str:
    """The whole comparison, and the warnings that a preview of this checkout gives."""
    lines = [f"stack {stack} against {base.ref} ({base.commit[:12]}): {verdict(comparison)}"]
    lines += [f"note: {base.note}"] if base.note else []
    lines += [*map(str, comparison.weakened), *effects(comparison), *configured(comparison)]
    for change in comparison.changes:
        lines += ["", f"{change.kind.value:9} {change.type}  {change.name}"]
        lines += [f"          {line}" for line in [*_details(change), *map(_input, change.inputs)]]
    if warnings:
        lines += ["", "Warnings of this checkout", *(f"  • {plain(warning)}" for warning in warnings)]
    return "\n".join(lines)


def to_markdown(stack: str, base: Base, comparison: Comparison, warnings: Sequence[str] = ()) -> str:
    """A comment for a pull request. By the hidden first line it is found again and edited in place."""
    return _comment(stack, to_text(stack, base, comparison, warnings))


def faults_markdown(stack: str, faults: Sequence[Mapping[str, str]]) -> str:
    """The comment for a head whose configuration does not load."""
    count = len(faults)
    listed = "\n".join(f"  {plain(fault['path'])}: {plain(fault['message'])}" for fault in faults)
    return _comment(stack, f"{stack}: does not load, {count} fault{'s' if count > 1 else ''}\n{listed}")


def _comment(stack: str, text: str) -> str:
    return f"<!-- dynamo-gke:diff:{stack} -->\n{quoted(text, COMMENT_LIMIT)}"


def _details(change: Change) -> Iterator[str]:
    if loss := cost(change):
        yield loss
    yield from change.fails
    if change.because:
        order = (
            "deleted before the new one is created" if change.deleted_first else "created before the old one is deleted"
        )
        yield f"forced by {few(change.because)}; {order}"
    yield from change.notes
    if change.protected:
        yield "protected: `pulumi up` refuses until it is no longer"
    if change.renamed_from:
        yield f"renamed from {change.renamed_from.rpartition('::')[2]}"


def _input(change: InputChange) -> str:
    """One line: the values where both are known, then what the provider does with them."""
    values = f"{change.path}: {change.before} → {change.after}" if change.before or change.after else change.path
    notes = ["forces replacement"] if change.forces else ["fails"] if change.effect is Effect.FAILS else []
    notes += [change.why] if change.why and change.effect is not Effect.FAILS else []
    return values + (f" ({'; '.join(notes)})" if notes else "")
