"""The HTML of every picture, by name. The same HTML gives other pixels with other fonts, so digests are of the HTML."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ops.offline.dry_run import planned
from ops.report.page.html import style, templates
from ops.report.page.view import Page
from tools.pictures.dashboard import dashboard
from tools.pictures.layouts import layouts
from tools.pictures.rehearsal import rehearsal
from tools.pictures.terminal import terminals

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
DIGESTS = FOLDER / "digests.json"
STACK = "prod"
_TEMPLATES = Path(__file__).parent / "templates"


def pictures(shown: Page) -> Mapping[str, str]:
    """Name of a picture → its HTML, a page without script. `shown` is the page of STACK."""
    plan = planned(STACK)
    contents: dict[str, dict[str, Any]] = {
        "architecture": {"page": shown},
        "request": {"page": shown},
        "layouts": {"layouts": layouts(STACK)},
        "dashboard": {"dashboard": dashboard(plan)},
        "status": {"terminals": terminals(plan)},
        "rehearsal": {"rehearsal": rehearsal()},
    }
    environment = templates(_TEMPLATES)
    css = style() + (_TEMPLATES / "pictures.css").read_text(encoding="utf-8")
    return {
        name: environment.get_template(f"{name}.html").render(name=name, style=css, **content)
        for name, content in contents.items()
    }


def digests(html: Mapping[str, str]) -> dict[str, str]:
    """Name of a picture → digest of its HTML."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in html.items()}
