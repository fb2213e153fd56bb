"""Text of others for a page on GitHub and for a runner's log: inside a code fence, where nothing in it acts.

`python -m ops.report.quoted FILE` appends the file to the job's summary and prints it to the log, with workflow
commands stopped meanwhile. Needs Python's own packages only: the workflow that comments on pull requests imports it.
"""

import os
import re
import secrets
import sys
from pathlib import Path

from ops.report.plain import plain_lines

# A fence is longer than the longest run of backticks in it; without a limit three runs could fill a comment.
_MAX_RUN = 40
CUT = "\n\n… cut here; the whole text is in the summary of the run."
# GitHub refuses a summary of more than 1 MiB.
SUMMARY_LIMIT = 400_000


def quoted(text: str, limit: int) -> str:
    """Markdown that shows the text and nothing else, of at most `limit` UTF-16 units.

    The first paragraph is in the open, the rest folded below it.
    """
    shown = re.sub(rf"`{{{_MAX_RUN},}}", "`" * _MAX_RUN, plain_lines(text)).strip("\n")
    room = limit - 4 * _MAX_RUN - 200  # for fences, the words around them and CUT
    if len(shown.encode("utf-16-le")) > 2 * room:
        shown = shown.encode("utf-16-le")[: 2 * room].decode("utf-16-le", errors="ignore") + CUT
    head, _, rest = shown.partition("\n\n")
    if not rest:
        return _fenced(head)
    return f"{_fenced(head)}\n\n<details><summary>All of it</summary>\n\n{_fenced(rest)}\n\n</details>"


def _fenced(text: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def logged(text: str) -> str:
    """The text for a runner's log: no line of it is read as a workflow command, since none can know the token."""
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
