"""docs/status.md: every cause has its row, in the order of the findings; every page that a finding names exists."""

import re

import pytest

from ops.diagnosis import Cause
from tests.stacks import ROOT

PAGE = (ROOT / "docs/status.md").read_text(encoding="utf-8")
SOURCES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "ops/diagnosis").glob("*.py"))]
NAMED = sorted({page for text in SOURCES for page in re.findall(r"docs/[\w/.-]+\.md", "".join(text.split('"\n')))})


def test_every_cause_has_its_row() -> None:
    table = PAGE.split("| cause |")[1].split("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    assert sorted(cause for row in rows for cause in re.findall(r"`(\w+)`", row)) == sorted(Cause)


def test_pages_are_named() -> None:
    assert {"docs/verification-failed.md", "docs/weights.md", "docs/runbooks/gpu-xid.md"} <= set(NAMED)


@pytest.mark.parametrize("page", NAMED)
def test_every_page_that_a_finding_names_exists(page: str) -> None:
    assert (ROOT / page).is_file()


@pytest.mark.parametrize(
    "page", ["docs/status.md", "docs/verification-failed.md", "docs/runbooks/one-role-restarted.md"]
)
def test_links_have_a_target(page: str) -> None:
    here = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)", here.read_text(encoding="utf-8")):
        assert (here.parent / target).is_file(), target
