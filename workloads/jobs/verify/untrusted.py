"""Text and JSON of others, made safe: what a model, a worker or a log says can forge no line of a report."""

from __future__ import annotations

import json
import unicodedata
from typing import Any, NoReturn

SHOWN_CHARACTERS = 200


class InvalidJson(ValueError):
    """The text holds no JSON that this program reads: malformed, too deep, or with NaN."""


def plain(text: object, limit: int = SHOWN_CHARACTERS) -> str:
    """One line of printable characters, cut at `limit`.

    Drops what could move a cursor, start a line or reverse text: control, format and separator characters.
    """
    words = " ".join("".join(_printable(c) for c in str(text)[: 8 * limit]).split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


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
