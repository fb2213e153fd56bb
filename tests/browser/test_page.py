"""The page of an environment in a real browser: layout, search, isolation, accessibility."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ops.report.page.html import html
from ops.report.page.view import Page
from tests import npm, pages
from tests.browser import chromium
from tests.browser.chromium import Tab
from tests.stacks import SHIPPED

WIDTHS = (360, 820, 1440)
PAGES: dict[str, Callable[[], Page]] = {
    **{stack: partial(pages.shipped, stack) for stack in SHIPPED},
    "several": lambda: pages.of(pages.SEVERAL),
    "crowded": lambda: pages.of(pages.CROWDED),
    "elsewhere": lambda: pages.of(pages.ELSEWHERE),
    "changed": pages.changed,
}


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with chromium.tab(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(params=PAGES)
def opened(request: pytest.FixtureRequest, tab: Tab, tmp_path: Path) -> Tab:
    path = tmp_path / "page.html"
    path.write_text(html(PAGES[request.param]()), encoding="utf-8")
    tab.resize(1440)
    tab.prefer("light")
    tab.open(path)
    return tab


def test_a_page_renders_without_errors_requests_or_overflow(opened: Tab) -> None:
    for width in WIDTHS:
        opened.resize(width)
        assert opened.run("innerWidth") == width
        wide = opened.run(
            "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, .skip')"
            " && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.outerHTML.slice(0, 80))"
        )
        assert wide == [], f"wider than {width} px"
        assert opened.run("document.documentElement.scrollWidth") <= width
        assert opened.run("document.querySelectorAll('.picture .cluster').length") == 1
        high = opened.run(
            "[...document.querySelectorAll('.picture :is(section, div, p, li)')]"
            ".filter(e => e.scrollHeight > e.clientHeight + 1).map(e => e.outerHTML.slice(0, 80))"
        )
        assert high == [], f"higher than their boxes at {width} px"
        narrow = "[...document.querySelectorAll('.kv strong')].filter(e => e.clientWidth < 150).length"
        assert opened.run(narrow) == 0, f"a word on each line at {width} px"
    assert opened.errors == []
    requests = [sent["request"]["url"] for sent in opened.of("Network.requestWillBeSent")]
    assert [url for url in requests if not url.startswith("data:")] == [opened.run("location.href")]
    assert opened.run("window.ran === undefined")


def test_the_search_shows_the_rows_with_every_word(opened: Tab) -> None:
    opened.run("document.getElementById('search').focus()")
    opened.call("Input.insertText", text="nodepool SYSTEM")
    rows = opened.run("[...document.querySelectorAll('#resources tbody tr')].map(r => [r.textContent, r.hidden])")
    assert {hidden for _, hidden in rows} == {True, False}
    for text, hidden in rows:
        assert hidden == (not all(word in text.lower() for word in ("nodepool", "system")))
    shown = sum(not hidden for _, hidden in rows)
    assert opened.run("document.getElementById('found').textContent") == f"{shown} of {len(rows)}"


def test_the_search_finds_a_resource_by_the_name_that_a_policy_gives_it(tab: Tab, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(html(pages.shipped("prod")), encoding="utf-8")
    tab.open(path)
    tab.run("document.getElementById('search').focus()")
    tab.call("Input.insertText", text="decode-pool")
    shown = tab.run(
        "[...document.querySelectorAll('#resources tbody tr:not([hidden])')].map(r => r.cells[1].textContent)"
    )
    assert "decode-pool" in shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Tab, scheme: str) -> None:
    opened.prefer(scheme)
    opened.run((npm.installed("axe-core") / "axe.min.js").read_text(encoding="utf-8") + ";0")
    found = opened.run(
        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => "
        "({rule: v.id, impact: v.impact, nodes: v.nodes.map(n => n.html.slice(0, 200) + ' ' + n.failureSummary)})))"
    )
    assert [violation for violation in found if violation["impact"] in ("serious", "critical")] == []


def test_axe_would_find_something(tab: Tab, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<html><img src='data:,'><p style='color:#ccc;background:#fff'>text</p></html>")
    tab.open(path)
    tab.run((npm.installed("axe-core") / "axe.min.js").read_text(encoding="utf-8") + ";0")
    assert "image-alt" in tab.run("axe.run(document).then(r => r.violations.map(v => v.id))")


def test_dark_and_light_differ(opened: Tab) -> None:
    light = opened.run("getComputedStyle(document.body).backgroundColor")
    opened.prefer("dark")
    assert opened.run("getComputedStyle(document.body).backgroundColor") != light
