"""The site's search in a real browser, served by the command that `make docs` prints."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import chromium
from tests.docs.test_site import build
from tests.stacks import ROOT

SECONDS = 30
DIALOG = "[...document.querySelectorAll('body *')].find(e => e.shadowRoot)?.shadowRoot"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the built site, on any free port."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (printed,) = re.findall(r"`\$\(PY\) (-m http\.server [^`]*) \d+`", (ROOT / "Makefile").read_text(encoding="utf-8"))
    command = [sys.executable, "-u", *shlex.split(printed), "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout
            found = re.search(r"Serving HTTP on 127\.0\.0\.1 port (\d+)", server.stdout.readline())
            assert found
            yield f"http://127.0.0.1:{found[1]}/"
        finally:
            server.terminate()
            server.wait(timeout=SECONDS)


def until(script: str) -> str:
    """A promise of the first value of an expression that is true; undefined after SECONDS."""
    return (
        f"(async () => {{ for (let n = 0; n < {10 * SECONDS}; n++) {{ const value = {script}; if (value) return value;"
        " await new Promise(done => setTimeout(done, 100)) } })()"
    )


def test_the_served_site_is_searched_without_an_error_or_another_host(served: str, tmp_path: Path) -> None:
    with chromium.tab(tmp_path) as tab:
        tab.open(f"{served}index.html")
        tab.run("document.querySelector('.md-search__button').click()")
        assert tab.run(until(f"{DIALOG}?.activeElement?.matches('input')"))
        tab.call("Input.insertText", text="reservation")
        links = tab.run(until(f"(all => all?.length && all.map(a => a.href))([...{DIALOG}.querySelectorAll('li a')])"))
        assert f"{served}day-2.html#move-to-another-reservation" in links
        assert tab.errors == []
        asked = {sent["request"]["url"] for sent in tab.of("Network.requestWillBeSent")}
        assert {url for url in asked if not url.startswith((served, "data:"))} == set()
