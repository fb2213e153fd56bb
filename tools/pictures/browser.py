"""Screenshots by headless Chromium, in light and dark."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

SCHEMES = {"light": "1", "dark": "0"}
"""Color scheme → Chromium's number of it."""
WIDTH = 1200
SECONDS = 120

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1")
_MEASURE = "<script>document.body.dataset.height = Math.ceil(document.body.getBoundingClientRect().height)</script>"


def chromium() -> str | None:
    """The program of a Chromium on PATH."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def draw(browser: str, html: str, folder: Path, name: str) -> None:
    """Writes `<name>-light.png` and `<name>-dark.png`, as high as the page."""
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / f"{name}.html"
        page.write_text(html.replace("</body>", f"{_MEASURE}</body>"), encoding="utf-8")
        height = re.search(r'data-height="(\d+)"', _run(browser, page, 800, "--dump-dom"))
        if height is None:
            raise RuntimeError(f"Chromium did not measure {page.name}")
        for scheme, number in SCHEMES.items():
            png = folder / f"{name}-{scheme}.png"
            preferred = f"--blink-settings=preferredColorScheme={number}"
            _run(browser, page, int(height[1]), preferred, f"--screenshot={png}")


def _run(browser: str, page: Path, height: int, *words: str) -> str:
    command = [browser, *_FLAGS, f"--window-size={WIDTH},{height}", *words, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
