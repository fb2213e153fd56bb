"""The commands and outputs that README and docs print, read from their fenced blocks."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import yaml

from tests.stacks import ROOT

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
PROMPT = "$ "
"""Begins a command in a `text` block; what it prints follows in the same block."""

# What a reader replaces, and a valid value for it.
PLACEHOLDERS = {
    "YOUR-PROJECT": "my-project",
    "YOUR-RESERVATION": "my-h200",
    "YOUR-BILLING-ACCOUNT": "000000-000000-000000",
    "YOU@YOUR-ORG.COM": "you@your-org.com",
}


@dataclass(frozen=True)
class Block:
    """Commands that a page prints together, as words, and the output that the page shows right below them."""

    commands: tuple[tuple[str, ...], ...]
    output: str | None


@dataclass(frozen=True)
class Fence:
    """One fenced block; `adjoins` where only white space is between the block before it and this one."""

    language: str
    text: str
    adjoins: bool


def in_navigation(entry: Any) -> Iterator[str]:
    """The pages of a part of mkdocs.yml's `nav`, in order."""
    if isinstance(entry, str):
        yield entry
    else:
        for inner in entry.values() if isinstance(entry, dict) else entry:
            yield from in_navigation(inner)


PAGES = (
    "README.md",
    *(f"docs/{page}" for page in in_navigation(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])),
)
"""In the order in which a reader meets them."""


def fences(page: str) -> list[Fence]:
    """The fenced blocks of a page, with placeholders replaced."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    found = list(FENCE.finditer(text))
    between = [text[before.end() : after.start()].strip() for before, after in pairwise(found)]
    return [
        Fence(match[2], textwrap.dedent(match[3]), adjoins=gap == "")
        for match, gap in zip(found, ["the page's beginning", *between], strict=False)
    ]


def blocks(page: str) -> list[Block]:
    """The blocks of a page that have commands: `sh`, and `text` that begins with a prompt."""
    found: list[Block] = []
    every = fences(page)
    for fence, after in zip(every, [*every[1:], None], strict=False):
        if fence.language == "sh":
            shown = after is not None and after.adjoins and is_output(after)
            found.append(Block(tuple(_commands(fence.text)), after.text if after and shown else None))
        elif fence.text.startswith(PROMPT):
            command, _, output = fence.text.removeprefix(PROMPT).partition("\n")
            found.append(Block(tuple(_commands(command)), output))
    return found


def is_output(fence: Fence) -> bool:
    return fence.language == "text" and not fence.text.startswith(PROMPT)


def commands(page: str) -> list[tuple[str, ...]]:
    return [words for block in blocks(page) for words in block.commands]


def model_swap(page: str) -> tuple[str, ...]:
    """The values of the model swap in prod that a page looks at with `rollout`, as `path=value`."""
    (found,) = [
        tuple(words[at + 1] for at, word in enumerate(words) if word == "--set")
        for words in commands(page)
        if words[1:4] == ("rollout", "--stack", "prod") and any(".model=" in word for word in words)
    ]
    return found


def _commands(script: str) -> Iterator[tuple[str, ...]]:
    """Each command of a script, split into words; a quoted text may span lines, and a loop is one command."""
    pending = ""
    for line in script.replace("\\\n", " ").splitlines():
        pending = f"{pending}\n{line}" if pending else line
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:  # a quotation that is still open
            continue
        if words and words[0] == "for" and line != "done":
            continue
        pending = ""
        if words:
            yield tuple(words)
    assert not pending, f"a quotation or a loop is never closed: {pending}"


def shows(shown: str, printed: str) -> bool:
    """Whether a page shows what a command prints. A line `…` stands for any lines, `…` at a line's end for any text."""
    lines = [line.rstrip() for line in shown.strip().splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else _line(line) for line in lines)
    text = "".join(f"{line.rstrip()}\n" for line in printed.strip().splitlines())
    return re.fullmatch(pattern, text) is not None


def _line(line: str) -> str:
    return re.escape(line.removesuffix("…")) + (r".*\n" if line.endswith("…") else r"\n")
