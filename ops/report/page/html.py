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
    return (
        _templates()
        .get_template("page.html")
        .render(
            page=page,
            style=(_FOLDER / "page.css").read_text(encoding="utf-8"),
            script=script,
            script_digest=digest,
        )
    )


def picture(page: Page, name: str) -> str:
    """A picture of the page alone, for the documentation: `architecture` or `request`."""
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    return _templates().get_template("picture.html").render(page=page, name=name, style=style)


def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_inert,
    )


def _inert(value: Any) -> Any:
    """Text without control characters, marks that reorder it, and tokens. Markup of the templates is unchanged."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return " " * (len(value) - len(value.lstrip(" "))) + plain(value)
