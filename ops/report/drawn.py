"""Mermaid in a comment: what our flowcharts consist of, and whether untrusted text consists of nothing else.

Imports the standard library only, because the workflow that comments on pull requests installs nothing.
"""

import re

# GitHub draws no flowchart of more than 50,000 characters or 500 edges.
LIMIT = 40_000
_MAX_LINES = 500

CLASSES = (
    "classDef prefill fill:#fbdfae,stroke:#c98a1b,color:#5e3500",
    "classDef decode fill:#cfe0fc,stroke:#4a7edb,color:#0e2f6e",
    "classDef worker fill:#c9ebd9,stroke:#2f9468,color:#0b4029",
)
"""Colors of the roles, readable on GitHub's light and dark pages."""

_PLAIN = re.compile(r"[^\w .,:/×·()-]")

_ID = r"[a-z]+\d*(?:[a-z]+\d*)?"
_LABEL = r'"(?:[\w .,:/×·()-]|#\d+;|<br>)*"'
_LINE = re.compile(
    rf"flowchart LR|end|subgraph {_ID}\[{_LABEL}\]|{_ID}\[{_LABEL}\](?::::(?:prefill|decode|worker))?"
    rf"|{_ID} (?:-->|==>|-\.->)(?:\|{_LABEL}\|)? {_ID}|{'|'.join(map(re.escape, CLASSES))}"
)


def label(*lines: str) -> str:
    """A quoted label of one or more lines. Every character that Mermaid or HTML could read as markup is a number."""
    return '"' + "<br>".join(_PLAIN.sub(lambda sign: f"#{ord(sign[0])};", line) for line in lines if line) + '"'


def only_draws(text: str) -> bool:
    """Whether a text is a flowchart of ours: boxes and arrows, without links, directives, markup or code fences."""
    lines = text.removesuffix("\n").split("\n")
    return len(text) <= LIMIT and len(lines) <= _MAX_LINES and all(map(_LINE.fullmatch, lines))
