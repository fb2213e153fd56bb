"""Text and JSON of others, made safe: what a model, a worker or a log says can forge no line of a report."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any, NoReturn, TextIO

SHOWN_CHARACTERS = 200
LINE_CHARACTERS = 1200


class InvalidJson(ValueError):
    """The text holds no JSON that this program reads: malformed, too deep, or with NaN."""


def plain(text: object, limit: int = SHOWN_CHARACTERS) -> str:
    """One line of printable characters, cut at `limit`.

    Drops what could move a cursor, start a line or reverse text: control, format and separator characters.
    """
    words = " ".join("".join(_printable(c) for c in str(text)[: 8 * limit]).split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


def say(line: object, to: TextIO | None = None, before: str = "") -> None:
    """Print one line. Both jobs print by it whatever is no JSON; `before` is their own and printed as it is.

    A runner of GitHub acts on `::` at the beginning of a line, so a line begins with the job's own words, and on `##[`
    anywhere.
    """
    print(before + plain(line, LINE_CHARACTERS).replace("##[", "## ["), file=to or sys.stdout, flush=True)


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Cs", "Co", "Cn") else character


def read_json(text: str) -> Any:
    """The value in a JSON text. Raises InvalidJson for anything that is none, NaN and infinities included."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidJson("is no JSON") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
