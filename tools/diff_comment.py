"""Puts the diffs of a pull request on the pull request: one comment a stack, edited in place.

Runs with a token that may write (.github/workflows/comment.yaml) on files that the pull request's own code has written,
a fork's too. They are data: sized, stripped of control characters, put into a code fence, never run. Which pull request
is meant comes from GitHub's event, not from the files. Needs no package besides Python's own.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from ops.report.plain import plain
from ops.report.quoted import quoted
from tools import github

# What preview.yaml names the artifact of a stack, and in it the file.
ARTIFACT = re.compile(r"diff-([a-z][a-z0-9-]{0,40})")
FILE = "diff.txt"
# Room for the first and the last line of a comment below GitHub's limit.
TEXT_LIMIT = github.BODY_LIMIT - 2_000
# One more than that is a flood, not a project.
MAX_STACKS = 20


class NotADiff(Exception):
    """The artifact is none that preview.yaml uploads."""


def marker(stack: str) -> str:
    """The hidden first line by which a stack's comment is found again."""
    return f"<!-- dynamo-gke:diff:{stack} -->"


def comment(stack: str, text: str, run_url: str) -> str:
    """The comment for what `ops diff` printed, errors included; for nothing printed, one that says so."""
    source = f"<sub>Made by this pull request's own code in [this run]({run_url}).</sub>"
    shown = quoted(text, TEXT_LIMIT) if plain(text) else f"No diff of stack `{stack}` could be made."
    return f"{marker(stack)}\n{shown}\n\n{source}\n"


def texts(folder: Path) -> dict[str, str]:
    """Stack → text, of the downloaded artifacts. Raises NotADiff for anything but small regular files."""
    found: dict[str, str] = {}
    for artifact in sorted(folder.iterdir()):
        name = ARTIFACT.fullmatch(artifact.name)
        path = artifact / FILE
        if not name or artifact.is_symlink() or path.is_symlink() or not path.is_file():
            raise NotADiff(f"artifact {artifact.name!r}: not a folder diff-STACK with a file {FILE}")
        if path.stat().st_size > 4 * github.BODY_LIMIT:
            raise NotADiff(f"artifact {artifact.name!r}: larger than any comment")
        found[name[1]] = path.read_text(encoding="utf-8", errors="replace")
    if len(found) > MAX_STACKS:
        raise NotADiff(f"{len(found)} artifacts; at most {MAX_STACKS} stacks are commented on")
    return found


def main(folder: Path) -> int:
    repository, head = os.environ["GITHUB_REPOSITORY"], os.environ["HEAD_SHA"]
    run_url = f"{os.environ['GITHUB_SERVER_URL']}/{repository}/actions/runs/{os.environ['RUN']}"
    try:
        bodies = {stack: comment(stack, text, run_url) for stack, text in texts(folder).items()}
    except NotADiff as wrong:
        print(f"error: {plain(str(wrong))}", file=sys.stderr)
        return 1

    branch = f"{os.environ['HEAD_OWNER']}:{os.environ['HEAD_BRANCH']}"
    pulls = github.listed(f"repos/{repository}/pulls", state="open", head=branch)
    numbers = [pull["number"] for pull in pulls if pull["head"]["sha"] == head]
    if len(numbers) != 1:
        # Closed or pushed to since, or the same branch asked into two others: the next run, or a person, tells.
        print(f"{len(numbers)} open pull requests of {head[:12]}; nothing is commented on")
        return 0

    path = f"repos/{repository}/issues"
    there = [said for said in github.listed(f"{path}/{numbers[0]}/comments") if said["user"]["login"] == github.BOT]
    for stack, body in bodies.items():
        old = next((said["id"] for said in there if said["body"].startswith(marker(stack))), None)
        if old is None:
            github.sent("POST", f"{path}/{numbers[0]}/comments", {"body": body})
        else:
            github.sent("PATCH", f"{path}/comments/{old}", {"body": body})
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except subprocess.SubprocessError as failed:
        print(f"error: GitHub was not told: {failed}", file=sys.stderr)
        sys.exit(1)
