"""The site that `make docs` builds: every page once in its navigation, no dead link, no request to another host."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from tests.doc_blocks import in_navigation
from tests.stacks import ROOT

CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
PAGES = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
BUILD_SECONDS = 120
# Attributes that make a browser fetch something; of <link>, only some kinds do, so all count.
FETCHES = {
    ("script", "src"),
    ("link", "href"),
    ("img", "src"),
    ("source", "srcset"),
    ("iframe", "src"),
    ("use", "href"),
}


@dataclass
class Html(HTMLParser):
    """One page: the ids that a link can name, the addresses in it, and the text outside of code."""

    ids: set[str] = field(default_factory=set)
    addresses: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""
    _code: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name in ("src", "href", "srcset") and value:
                self.addresses.append((tag, name, value))
        self._code += tag in ("pre", "code", "script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("pre", "code", "script", "style")

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.text += data


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    zensical = Path(sys.executable).with_name("zensical")
    if not zensical.exists():
        pytest.skip("the package zensical is not in this environment")
    return subprocess.run(
        [zensical, "build", "--strict"], cwd=folder, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Html]:
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    pages: dict[Path, Html] = {}
    for path in (folder / "site").rglob("*.html"):
        pages[path] = Html()
        pages[path].feed(path.read_text(encoding="utf-8"))
    assert len(pages) == len(PAGES) + 1  # and 404.html
    return pages


def test_every_page_is_once_in_the_navigation() -> None:
    assert sorted(in_navigation(CONFIG["nav"])) == PAGES


def test_the_navigation_is_in_the_order_of_the_journey() -> None:
    assert [next(iter(entry)) for entry in CONFIG["nav"]][:7] == [
        "Start", "First answer", "Try", "Own model", "Production", "Call the endpoint", "Scale",
    ]  # fmt: skip


def test_every_link_leads_to_a_page_and_an_id_of_it(site: dict[Path, Html]) -> None:
    dead: list[str] = []
    for path, page in site.items():
        for _, _, address in page.addresses:
            target, _, anchor = address.partition("#")
            if re.match(r"\w+:|//", address) or path.name == "404.html":
                continue
            there = (path.parent / target).resolve() if target else path
            of_there = site.get(there)
            if not there.exists() or (
                anchor and of_there and anchor not in of_there.ids and not anchor.startswith("__")
            ):
                dead.append(f"{path.name} links to {address}")
    assert dead == []


def test_no_page_makes_a_browser_ask_another_host(site: dict[Path, Html]) -> None:
    asked = {
        (path.name, address)
        for path, page in site.items()
        for tag, name, address in page.addresses
        if (tag, name) in FETCHES and re.match(r"(https?:)?//", address)
    }
    assert asked == set()
    # The theme's script would fetch a renderer for these, and a repository's counts of stars.
    assert not any('class="mermaid"' in path.read_text(encoding="utf-8") for path in site)
    assert "repo_url" not in CONFIG
    assert CONFIG["theme"]["font"] is False
    (assets,) = {path.parent for path in site if path.name == "index.html"}
    for sheet in assets.rglob("*.css"):
        assert not re.search(r"(url\(|@import )[\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet.name


def test_no_markup_is_left_as_text(site: dict[Path, Html]) -> None:
    """Lists and blocks whose indentation GitHub accepts, and the builder does not."""
    left = {(path.name, found) for path, page in site.items() for found in re.findall(r"```|\]\(|\*\*|\[\^", page.text)}
    assert left == set()


def test_the_pages_have_an_index_to_search(site: dict[Path, Html]) -> None:
    """tests/browser/test_site_search.py searches it."""
    (index,) = [path.parent / "search.json" for path in site if path.name == "index.html"]
    assert "reservation" in index.read_text(encoding="utf-8")


def test_a_page_outside_of_the_site_would_be_found(tmp_path: Path) -> None:
    """That the builder itself refuses a link to a page that does not exist."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# A\n\n[b](b.md)\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: a\n")
    assert build(tmp_path).returncode != 0


def test_blocks_in_numbered_lists_are_indented_as_the_builder_needs() -> None:
    """With three spaces, as GitHub accepts, the list ends at the block and its numbers begin again."""
    wrong = [
        name for name in PAGES if re.search(r"^ {3}(```|\|)", (ROOT / "docs" / name).read_text("utf-8"), re.MULTILINE)
    ]
    assert wrong == []
