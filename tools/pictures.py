"""Draws the pictures of README and docs from the page of the stack prod, in light and dark, with headless Chromium.

`python -m tools.pictures` writes `docs/pictures`. The digests there tell whether a picture is current: they are of the
HTML, because the same HTML gives other pixels with other fonts.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ops.offline.dry_run import dry_run
from ops.offline.judged import judged
from ops.report.page.html import picture
from ops.report.page.view import Page, page

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
DIGESTS = FOLDER / "digests.json"
STACK = "prod"
NAMES = ("architecture", "request")
SCHEMES = {"light": "1", "dark": "0"}
"""Color scheme → Chromium's number of it."""
WIDTH = 1200
SECONDS = 60

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1")
_MEASURE = "<script>document.body.dataset.height = Math.ceil(document.body.getBoundingClientRect().height)</script>"


def digests(shown: Page) -> dict[str, str]:
    """Name of a picture → digest of its HTML."""
    return {name: hashlib.sha256(picture(shown, name).encode()).hexdigest() for name in NAMES}


def chromium() -> str | None:
    """The program of a Chromium on PATH."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def main() -> int:
    browser = chromium()
    if browser is None:
        print("error: no Chromium on PATH; install it (Debian: apt-get install chromium)", file=sys.stderr)
        return 1
    shown = page(judged(dry_run(STACK)))
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            html = Path(folder) / f"{name}.html"
            html.write_text(picture(shown, name).replace("</body>", f"{_MEASURE}</body>"), encoding="utf-8")
            for scheme, number in SCHEMES.items():
                _draw(browser, html, FOLDER / f"{name}-{scheme}.png", f"--blink-settings=preferredColorScheme={number}")
    DIGESTS.write_text(json.dumps(digests(shown), indent=2) + "\n", encoding="utf-8")
    return 0


def _draw(browser: str, html: Path, png: Path, scheme: str) -> None:
    """Takes a screenshot as high as the page."""

    def run(height: int, *words: str) -> str:
        command = [browser, *_FLAGS, scheme, f"--window-size={WIDTH},{height}", *words, html.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout

    measured = re.search(r'data-height="(\d+)"', run(800, "--dump-dom"))
    if measured is None:
        raise RuntimeError(f"Chromium did not measure {html.name}")
    run(int(measured[1]), f"--screenshot={png}")


if __name__ == "__main__":
    sys.exit(main())
