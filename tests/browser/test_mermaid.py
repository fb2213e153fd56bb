"""The flowchart of an environment in Mermaid itself, as GitHub draws it: parsed, drawn, and within GitHub's limits."""

import json
from collections.abc import Callable, Iterator

import pytest

from ops.report.page.mermaid import mermaid
from ops.report.page.view import Page
from tests import npm, pages
from tests.browser import chromium
from tests.browser.chromium import Tab
from tests.browser.test_page import PAGES

# Mermaid's own defaults, which GitHub keeps.
MAX_CHARACTERS, MAX_EDGES = 50_000, 500

WORDS = "([...document.querySelectorAll('foreignObject, text')].map(e => e.textContent))"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    program = npm.installed("mermaid") / "dist" / "mermaid.min.js"
    folder = tmp_path_factory.mktemp("mermaid")
    page = folder / "empty.html"
    page.write_text('<meta charset="utf-8"><body id="here"></body>')
    with chromium.tab(folder / "profile") as opened:
        opened.open(page)
        opened.run(program.read_text(encoding="utf-8") + ";0")
        opened.run("mermaid.initialize({startOnLoad: false, securityLevel: 'strict'})")
        yield opened


def draw(tab: Tab, text: str) -> str:
    """Draws a flowchart into the page. The parser's error; empty for a valid flowchart."""
    drawn = "r => { here.innerHTML = r.svg; return '' }"
    return tab.run(f"mermaid.render('drawn', {json.dumps(text)}).then({drawn}, e => String(e))")


@pytest.mark.parametrize("name", PAGES)
def test_mermaid_draws_every_box_and_arrow(tab: Tab, name: str) -> None:
    get: Callable[[], Page] = PAGES[name]
    text = mermaid(get().environment)
    lines = text.splitlines()
    arrows = [line for line in lines if any(arrow in line for arrow in (" -->", " ==>", " -.->"))]
    assert len(text) < MAX_CHARACTERS
    assert len(arrows) < MAX_EDGES
    assert draw(tab, text) == ""
    assert tab.run("here.querySelectorAll('.edgePaths path').length") == len(arrows)
    assert tab.run("here.querySelectorAll('.cluster').length") == lines.count("end")
    assert tab.run("here.querySelectorAll('script, a, img').length") == 0
    assert tab.run("window.ran === undefined")
    assert [url for url in requests(tab) if not url.startswith(("data:", "file:"))] == []


def requests(tab: Tab) -> list[str]:
    return [sent["request"]["url"] for sent in tab.of("Network.requestWillBeSent")]


def test_the_titles_are_shown_as_written(tab: Tab) -> None:
    assert draw(tab, mermaid(pages.shipped("prod").environment)) == ""
    shown = " ".join(tab.run(WORDS))
    assert "Project my-project · europe-west1 · GPU zone europe-west1-b" in shown
    assert "KV cache, rdma" in shown


def test_mermaid_would_find_a_mistake(tab: Tab) -> None:
    assert "Parse error" in draw(tab, "flowchart LR\na[")
