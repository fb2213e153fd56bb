"""The commands and outputs that README and docs print, read from their fenced blocks."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.stacks import ROOT

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# What a reader replaces, and a valid value for it.
PLACEHOLDERS = {
    "YOUR-PROJECT": "my-project",
    "YOUR-RESERVATION": "my-h200",
    "YOUR-BILLING-ACCOUNT": "000000-000000-000000",
    "YOU@YOUR-ORG.COM": "you@your-org.com",
}


@dataclass(frozen=True)
class Block:
    """One `sh` block: its commands as words, and the output that the page shows right below it."""

    commands: tuple[tuple[str, ...], ...]
    output: str | None


def blocks(page: str) -> list[Block]:
    """The `sh` blocks of a page, with placeholders replaced."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    fences = list(FENCE.finditer(text))
    found: list[Block] = []
    for fence, after in zip(fences, [*fences[1:], None], strict=True):
        if fence[1] == "sh":
            shown = after and after[1] == "text" and text[fence.end() : after.start()].strip() == ""
            found.append(Block(tuple(_commands(fence[2])), after[2] if after and shown else None))
    return found


def commands(page: str) -> list[tuple[str, ...]]:
    return [words for block in blocks(page) for words in block.commands]


def _commands(script: str) -> Iterator[tuple[str, ...]]:
    """Each command of a script, split into words; a quoted text may span lines."""
    pending = ""
    for line in script.replace("\\\n", " ").splitlines():
        pending = f"{pending}\n{line}" if pending else line
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:  # a quotation that is still open
            continue
        pending = ""
        if words:
            yield tuple(words)
    assert not pending, f"a quotation is never closed: {pending}"


def shows(shown: str, printed: str) -> bool:
    """Whether a page shows what a command prints. A line `…` stands for any lines, `…` at a line's end for any text."""
    lines = [line.rstrip() for line in shown.strip().splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else _line(line) for line in lines)
    text = "".join(f"{line.rstrip()}\n" for line in printed.strip().splitlines())
    return re.fullmatch(pattern, text) is not None


def _line(line: str) -> str:
    return re.escape(line.removesuffix("…")) + (r".*\n" if line.endswith("…") else r"\n")
