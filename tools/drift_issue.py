"""Reports drift in one issue per stack, which is opened at the first drift, updated when counts change, and closed.

The tool compares counts, not text, so an etag that changes every night raises no second alarm. It reads the output of
`pulumi refresh --preview-only --json`. Unverified on a live stack: that the output has `changeSummary`, as that of
`pulumi preview` does; output without it is rejected. The tool needs only the standard library.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tools import github

# Allowed names of operations, which go into the issue's table and its hidden first line.
OPERATION = re.compile(r"[a-z][a-z-]{0,39}")
# Operations of a change summary that change nothing.
QUIET = frozenset({"same", "read", "refresh"})


class NoSummary(Exception):
    """Pulumi's output does not contain the number of changed resources."""


@dataclass(frozen=True)
class Action:
    """The action on a stack's issue; `number` is the issue's number, None for a new one."""

    do: Literal["open", "update", "close", "nothing"]
    number: int | None = None


def counts(digest: str) -> dict[str, int]:
    """Operation → number of changed resources. Raises NoSummary."""
    try:
        summary = json.loads(digest)["changeSummary"]
        found = {op: int(n) for op, n in sorted(summary.items()) if op not in QUIET and int(n) > 0}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as wrong:
        raise NoSummary("Pulumi printed no changeSummary, so drift is unknown") from wrong
    if not all(map(OPERATION.fullmatch, found)):
        raise NoSummary("Pulumi printed a changeSummary with invalid operations, so drift is unknown")
    return found


def marker(stack: str, found: Mapping[str, int]) -> str:
    """The hidden first line of the issue, which identifies the issue and holds its last counts."""
    last = "".join(f" {op}={n}" for op, n in sorted(found.items()))
    return f"<!-- dynamo-gke:drift:{stack}{last} -->"


def decide(stack: str, found: Mapping[str, int], issues: list[dict[str, Any]]) -> Action:
    """The action, given the open issues of the workflow's own account."""
    ours = re.compile(rf"<!-- dynamo-gke:drift:{re.escape(stack)}( [^>]*)?-->")
    issue = next((i for i in issues if i["user"]["login"] == github.BOT and ours.match(i["body"] or "")), None)
    if issue is None:
        return Action("open") if found else Action("nothing")
    if not found:
        return Action("close", issue["number"])
    if issue["body"].startswith(marker(stack, found)):
        return Action("nothing")
    return Action("update", issue["number"])


def body(stack: str, found: Mapping[str, int], run_url: str) -> str:
    rows = "\n".join(f"| {op} | {n} |" for op, n in sorted(found.items()))
    return (
        f"{marker(stack, found)}\nThe cloud resources differ from the state of stack `{stack}` "
        f"([run]({run_url})).\n\n| found | resources |\n|---|---|\n{rows}\n\nShow the drift: `pulumi refresh "
        f"--preview-only --diff --stack {stack}`. Then either adopt it in the state (`pulumi refresh`) and the code, "
        "or revert it (`pulumi up`). See docs/environments.md.\n"
    )


def main(stack: str, digest: Path) -> int:
    try:
        found = counts(digest.read_text(encoding="utf-8"))
    except NoSummary as wrong:
        print(f"error: stack {stack}: {wrong}", file=sys.stderr)
        return 1
    repository = os.environ["GITHUB_REPOSITORY"]
    run_url = f"{os.environ['GITHUB_SERVER_URL']}/{repository}/actions/runs/{os.environ['GITHUB_RUN_ID']}"
    path = f"repos/{repository}/issues"
    action = decide(stack, found, github.listed(path, state="open", creator=github.BOT))
    text = body(stack, found, run_url)
    if action.do == "open":
        github.sent("POST", path, {"title": f"Drift in stack {stack}", "body": text})
    elif action.do == "update":
        github.sent("PATCH", f"{path}/{action.number}", {"body": text})
        github.sent(
            "POST", f"{path}/{action.number}/comments", {"body": f"The counts have changed ([run]({run_url}))."}
        )
    elif action.do == "close":
        github.sent("POST", f"{path}/{action.number}/comments", {"body": f"No drift any more ([run]({run_url}))."})
        github.sent("PATCH", f"{path}/{action.number}", {"state": "closed"})
    print(f"stack {stack}: {sum(found.values())} resources drifted; issue: {action.do}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], Path(sys.argv[2])))
    except subprocess.SubprocessError as failed:
        print(f"error: GitHub was not updated: {failed}", file=sys.stderr)
        sys.exit(1)
