"""Untrusted text for a GitHub page and a runner's log: in a code fence, where mentions, links and images do nothing.

`python -m ops.report.quoted FILE` appends the file to the job's summary and prints it to the log with workflow commands
disabled. Imports the standard library only, because the workflow that comments on pull requests installs nothing.
"""

import os
import re
import secrets
import sys
from pathlib import Path

from ops.report.plain import plain_lines

# A fence must be longer than the longest run of backticks inside; without a limit three runs could fill a comment.
_MAX_RUN = 40
CUT = "\n\n… cut here; the full text is in the summary of the run."
# GitHub refuses a summary of more than 1 MiB.
SUMMARY_LIMIT = 400_000


def quoted(text: str, limit: int) -> str:
    """Markdown that shows the text literally, in at most `limit` UTF-16 units.

    The first paragraph is visible, the rest is folded below it.
    """
    shown = re.sub(rf"`{{{_MAX_RUN},}}", "`" * _MAX_RUN, plain_lines(text)).strip("\n")
    room = limit - 4 * _MAX_RUN - 200  # for fences, the words around them and CUT
    if len(shown.encode("utf-16-le")) > 2 * room:
        shown = shown.encode("utf-16-le")[: 2 * room].decode("utf-16-le", errors="ignore") + CUT
    head, _, rest = shown.partition("\n\n")
    if not rest:
        return _fenced(head)
    return f"{_fenced(head)}\n\n<details><summary>Full text</summary>\n\n{_fenced(rest)}\n\n</details>"


def _fenced(text: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def logged(text: str) -> str:
    """The text for a runner's log. A random stop token keeps its lines from running as workflow commands."""
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}\n{plain_lines(text)}\n::{token}::"


def main(path: Path) -> int:
    text = path.read_text(encoding="utf-8", errors="replace")
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
        summary.write(quoted(text, SUMMARY_LIMIT) + "\n")
    print(logged(text))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
