"""Draws the pictures of README and docs, and writes the digests that tell whether they are current.

`python -m tools.pictures` draws those whose HTML has changed; `python -m tools.pictures all` draws every one.
"""

import json
import sys

from ops.offline.dry_run import dry_run
from ops.offline.judged import judged
from ops.report.page.view import page
from tools.pictures.browser import chromium, draw
from tools.pictures.drawn import DIGESTS, FOLDER, STACK, digests, pictures


def main(words: list[str]) -> int:
    browser = chromium()
    if browser is None:
        print("error: no Chromium on PATH; install it (Debian: apt-get install chromium)", file=sys.stderr)
        return 1
    html = pictures(page(judged(dry_run(STACK))))
    FOLDER.mkdir(exist_ok=True)
    known: dict[str, str] = {}
    if DIGESTS.exists() and "all" not in words:
        known = json.loads(DIGESTS.read_text(encoding="utf-8"))
    now = digests(html)
    for name, text in html.items():
        if known.get(name) != now[name]:
            print(f"drawing {name}")
            draw(browser, text, FOLDER, name)
    DIGESTS.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
