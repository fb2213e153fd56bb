"""Posts the diffs of a pull request as comments: one comment per stack, edited in place.

The tool runs with a write token (.github/workflows/comment.yaml) on files that a pull request's own code wrote, even
from a fork. It treats the files as data: it limits their size, strips control characters, quotes them in a code fence,
and never runs them. GitHub's event, not the files, names the pull request. The tool needs only the standard library.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ops.report.drawn import only_draws
from ops.report.plain import plain
from ops.report.quoted import quoted
from tools import github

# The name of a stack's artifact in preview.yaml, and of the file in it.
ARTIFACT = re.compile(r"diff-([a-z][a-z0-9-]{0,40})")
FILE = "diff.txt"
PICTURE = "picture.mmd"
# Leaves room for a comment's first and last line below GitHub's limit.
TEXT_LIMIT = github.BODY_LIMIT - 2_000
# Max comments on one pull request.
MAX_STACKS = 20


class NotADiff(Exception):
    """The artifact is not one that preview.yaml uploads."""


def marker(stack: str) -> str:
    """The hidden first line that identifies a stack's comment."""
    return f"<!-- dynamo-gke:diff:{stack} -->"


def comment(stack: str, text: str, run_url: str, picture: str = "") -> str:
    """The comment with the output of `ops diff`, including errors; for no output, a comment that says so.

    The picture is left out unless it only draws, and where it does not fit below the text.
    """
    source = f"<sub>Made by this pull request's own code in [this run]({run_url}).</sub>"
    shown = quoted(text, TEXT_LIMIT) if plain(text) else f"The diff of stack `{stack}` failed without output."
    shown = f"{marker(stack)}\n{shown}"
    drawn = f"<details><summary>Picture</summary>\n\n```mermaid\n{picture}\n```\n\n</details>"
    fits = only_draws(picture) and len(f"{shown}{drawn}{source}".encode("utf-16-le")) < 2 * TEXT_LIMIT
    return "\n\n".join([shown, *([drawn] if fits else []), source]) + "\n"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """What a run uploaded for one stack."""

    text: str
    picture: str
    """A Mermaid flowchart; empty for none."""


def artifacts(folder: Path) -> dict[str, Artifact]:
    """Stack → downloaded artifact. Raises NotADiff for anything but small regular files."""
    found: dict[str, Artifact] = {}
    for artifact in sorted(folder.iterdir()):
        name = ARTIFACT.fullmatch(artifact.name)
        if not name or artifact.is_symlink():
            raise NotADiff(f"artifact {artifact.name!r}: not a folder diff-STACK")
        picture = artifact / PICTURE
        drawn = _text(picture) if picture.is_symlink() or picture.exists() else ""
        found[name[1]] = Artifact(text=_text(artifact / FILE), picture=drawn.removesuffix("\n"))
    if len(found) > MAX_STACKS:
        raise NotADiff(f"{len(found)} artifacts; the max is {MAX_STACKS} stacks")
    return found


def _text(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        raise NotADiff(f"artifact {path.parent.name!r}: {path.name} is missing or no regular file")
    if path.stat().st_size > 4 * github.BODY_LIMIT:
        raise NotADiff(f"artifact {path.parent.name!r}: {path.name} is larger than any comment")
    return path.read_text(encoding="utf-8", errors="replace")


def main(folder: Path) -> int:
    repository, head = os.environ["GITHUB_REPOSITORY"], os.environ["HEAD_SHA"]
    run_url = f"{os.environ['GITHUB_SERVER_URL']}/{repository}/actions/runs/{os.environ['RUN']}"
    try:
        bodies = {
            stack: comment(stack, found.text, run_url, found.picture) for stack, found in artifacts(folder).items()
        }
    except NotADiff as wrong:
        print(f"error: {plain(str(wrong))}", file=sys.stderr)
        return 1

    branch = f"{os.environ['HEAD_OWNER']}:{os.environ['HEAD_BRANCH']}"
    pulls = github.listed(f"repos/{repository}/pulls", state="open", head=branch)
    numbers = [pull["number"] for pull in pulls if pull["head"]["sha"] == head]
    if len(numbers) != 1:
        # The pull request was closed or updated meanwhile, or the branch has two pull requests.
        print(f"{len(numbers)} open pull requests of {head[:12]}; nothing is commented on")
        return 0

    path = f"repos/{repository}/issues"
    existing = [said for said in github.listed(f"{path}/{numbers[0]}/comments") if said["user"]["login"] == github.BOT]
    for stack, body in bodies.items():
        old = next((said["id"] for said in existing if said["body"].startswith(marker(stack))), None)
        if old is None:
            github.sent("POST", f"{path}/{numbers[0]}/comments", {"body": body})
        else:
            github.sent("PATCH", f"{path}/comments/{old}", {"body": body})
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except subprocess.SubprocessError as failed:
        print(f"error: GitHub was not updated: {failed}", file=sys.stderr)
        sys.exit(1)
