"""Corrects a value of the wrong form, if only case, separators or a prefix are wrong."""

import re
from collections.abc import Iterator

from reading.tokens import holds_token


def like(given: str, pattern: str) -> str | None:
    """The value of the form `pattern` that `given` probably means; None if it cannot be derived."""
    if holds_token(given):  # a message must not repeat any part of a credential
        return None
    return next((text for text in _candidates(given.strip()) if text != given and re.fullmatch(pattern, text)), None)


def _candidates(text: str) -> Iterator[str]:
    """Corrections of the text, from the smallest change to the largest."""
    bare = re.sub(r"^[a-z]+://(www\.googleapis\.com/compute/[a-z0-9]+/)?", "", text)
    bare = bare if "projects/" in bare else bare.partition("/")[0] if "://" in text else bare
    words = re.sub(r"[^A-Za-z0-9]+", "-", bare).strip("-")
    yield from (
        bare,
        bare[:1].lower() + bare[1:],
        bare.lower(),
        bare.upper(),
        f"0{bare}",  # a time without its leading zero
        re.sub(r"(?<=[0-9])(?=[a-z]$)", "-", bare.lower()),  # a zone without its last dash
        re.sub(r"(?<=[0-9])-[a-z]$", "", bare.lower()),  # a zone in place of its region
        words,
        words.lower(),
    )
