"""Makes untrusted text and JSON safe, so that a model, worker or log cannot forge a line of a report."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any, NoReturn, TextIO

SHOWN_CHARACTERS = 200
LINE_CHARACTERS = 1200


class InvalidJson(ValueError):
    """The text is not JSON that this program accepts: malformed, too deep, or with NaN."""


def plain(text: object, limit: int = SHOWN_CHARACTERS) -> str:
    """One line of printable characters, cut at `limit`.

    Drops characters that could move a cursor, start a line or reverse text: control, format and separator characters.
    """
    words = " ".join("".join(_printable(c) for c in str(text)[: 8 * limit]).split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


def say(line: object, to: TextIO | None = None, before: str = "") -> None:
    """Prints one line. Both Jobs print all text other than JSON with it; `before` is trusted and printed unchanged.

    GitHub's runner interprets `::` at the beginning of a line, so a line begins with the Job's own words, and `##[`
    anywhere.
    """
    print(before + plain(line, LINE_CHARACTERS).replace("##[", "## ["), file=to or sys.stdout, flush=True)


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Cs", "Co", "Cn") else character


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises InvalidJson for anything else, including NaN and infinities."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidJson("is not JSON") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
