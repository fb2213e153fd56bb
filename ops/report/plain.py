"""Untrusted text, such as a cluster's messages, made safe for a terminal and a log."""

import re
import unicodedata

from reading.tokens import masked

# Whole sequences, so that `ESC [ 31 m` does not leave `[31m` behind: CSI, OSC with its end, two-character ones.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d).*?(?:\x07|\x1b\\|\x9c|$)|\x1b[ -/]*[0-~]", re.DOTALL
)
# Control characters, invisible marks that reorder or hide text, unpaired surrogates, and line separators.
_ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def plain(text: str) -> str:
    """The text on one line, without escape sequences, control characters and tokens.

    Prevents a message in the cluster from forging report lines, moving the cursor or running a CI workflow command.
    """
    return masked(" ".join(_inert(_ESCAPES.sub("", text)).split()))


def plain_lines(text: str) -> str:
    """The text line by line, its indents kept, without escape sequences, control characters and tokens."""
    return masked("\n".join(_inert(line).rstrip() for line in _ESCAPES.sub("", text).expandtabs(4).splitlines()))


def _inert(text: str) -> str:
    return "".join(" " if unicodedata.category(c) in _ACTING else c for c in text)
