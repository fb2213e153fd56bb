"""Each claim of the security pages names the tests that verify it, or says that none does.

A claim is a sentence, or a row of a table. It has a footnote, whose text is test ids, or the words `unverified` or
`not defended`. A mark in the header of a table is for all of its rows.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.stacks import ROOT

PAGES = ("security", "access", "secrets", "policies")
MARK = re.compile(r"\[\^[\w-]+\]|\bunverified\b|\bnot\s+defended\b", re.IGNORECASE)
FOOTNOTE = re.compile(r"^\[\^([\w-]+)\]: (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# Below this heading the mark applies to every entry.
NOT_DEFENDED = "## Not defended"
# An instruction to the reader is not a claim.
INSTRUCTION = re.compile(
    r"(\*\*)?(Add|Details|Give|Label|Look at|Never|Replace|Require|Revoke|See|Set|Treat|Try|Use)\b"
)
# The end of a sentence: after its stop and the marks, before a capital letter or code.
END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?]\*\*)|(?<=\]))\s+(?=[A-Z`*\[])")
# A table cell with whole sentences.
SENTENCE = re.compile(r"[.!?](\[\^[\w-]+\])*\s*$")


def text(page: str) -> str:
    return (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


def sentences(prose: str) -> Iterator[str]:
    """The sentences of a paragraph or list entry."""
    for sentence in END.split(re.sub(r"\s+", " ", prose.removeprefix("- ")).strip()):
        if sentence and not INSTRUCTION.match(sentence):
            yield sentence


def rows(table: list[str]) -> Iterator[str]:
    """The rows of a table, split into sentences if they have any; empty if the header has a mark."""
    header, _, *body = table
    for row in () if MARK.search(header) else body:
        cells = [cell for cell in row.split("|") if SENTENCE.search(cell)]
        for cell in cells:
            yield from sentences(cell)
        if not cells:
            yield row


def claims(page: str) -> Iterator[str]:
    """The claims of a page, as written."""
    heading = ""
    for block in re.split(r"\n\s*\n|\n(?=- )", CODE.sub("\n", FOOTNOTE.sub("", page))):
        lines = block.strip().splitlines()
        if not lines:
            continue
        if lines[0].startswith("#"):
            heading = lines[0]
        elif lines[0].startswith("|"):
            yield from rows(lines)
        elif heading != NOT_DEFENDED:
            yield from sentences(block)


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests in a file."""
    path = ROOT / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    found = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    return frozenset(name for name in found if name.startswith("test_"))


@pytest.mark.parametrize("page", PAGES)
def test_every_claim_is_held_or_marked(page: str) -> None:
    assert [claim for claim in claims(text(page)) if not MARK.search(claim)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    footnotes = dict(FOOTNOTE.findall(text(page)))
    for name, tests in footnotes.items():
        for test in tests.split(", "):
            file, _, function = test.strip("`").partition("::")
            assert function in names_in(file), f"{name} of {page}.md: {test} is no test"


@pytest.mark.parametrize("page", PAGES)
def test_every_footnote_is_defined_once_and_used(page: str) -> None:
    defined = [name for name, _ in FOOTNOTE.findall(text(page))]
    assert len(defined) == len(set(defined))
    assert set(re.findall(r"\[\^([\w-]+)\](?!:)", text(page))) == set(defined)


@pytest.mark.parametrize(
    ("page", "unheld"),
    [
        ("# Page\n\nAll is well.[^a] All is\nsafe. Set it to 1.", ["All is safe."]),
        ("Held.[^a]\nAlso held,[^b] wholly.[^c]\n\n- not held\n- unverified, this one", ["not held"]),
        ("| who | what |\n|---|---|\n| a | b[^a] |\n| c | d |", ["| c | d |"]),
        ("| who | what |\n|---|---|\n| a | It holds.[^a] It does too. |", ["It does too."]),
        ("| who | what[^a] |\n|---|---|\n| a | b |", []),
        ("## Not defended\n\n- all\n\n## Defended\n\n- all", ["all"]),
        (
            "```sh\nAll is well.\n```\n\n**Bold and not held.** `code` does it (not\ndefended).",
            ["**Bold and not held.**"],
        ),
    ],
)
def test_a_claim_that_nothing_holds_is_found(page: str, unheld: list[str]) -> None:
    assert [claim for claim in claims(page) if not MARK.search(claim)] == unheld


def test_a_test_that_does_not_exist_is_found() -> None:
    assert "test_a_test_that_does_not_exist_is_found" in names_in("tests/security/test_promises.py")
    assert names_in("tests/security/no_such_file.py") == frozenset()
