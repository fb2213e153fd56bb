"""The file of a picture: its format by its suffix, and an atomic write."""

import os
from collections.abc import Callable
from pathlib import Path

from ops.report.page.html import html
from ops.report.page.mermaid import mermaid
from ops.report.page.view import Page

FORMATS: dict[str, Callable[[Page], str]] = {".html": html, ".mmd": lambda page: mermaid(page.environment)}


def write(path: Path, page: Page) -> None:
    """Writes the picture, whole or not at all. Raises OSError."""
    text = FORMATS[path.suffix](page)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
