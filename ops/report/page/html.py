"""The page of an environment as one HTML file that loads nothing else: style and script are inside."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ops.report.page.view import Page
from ops.report.plain import plain

_FOLDER = Path(__file__).parent / "templates"


def html(page: Page) -> str:
    """The page. Everything that a user wrote is escaped, and the browser runs only the page's own script."""
    script = (_FOLDER / "search.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = templates().get_template("page.html")
    return template.render(page=page, style=style(), script=script, script_digest=digest)


def style() -> str:
    """The style sheet of the page."""
    return (_FOLDER / "page.css").read_text(encoding="utf-8")


def templates(*others: Path) -> Environment:
    """The templates of the page, and those of other folders, which may use them."""
    return Environment(
        loader=FileSystemLoader([_FOLDER, *others]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_inert,
    )


def _inert(value: Any) -> Any:
    """Text without control characters, marks that reorder it, and tokens, its outer spaces kept.

    Markup of the templates is unchanged.
    """
    if not isinstance(value, str) or hasattr(value, "__html__") or not value.strip(" "):
        return value
    start, end = len(value) - len(value.lstrip(" ")), len(value) - len(value.rstrip(" "))
    return f"{' ' * start}{plain(value)}{' ' * end}"
