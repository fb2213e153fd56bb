"""The value that was meant by one of the wrong form, where case, separators or a prefix are all that is wrong."""

import re
from collections.abc import Iterator

from reading.tokens import holds_token


def like(given: str, pattern: str) -> str | None:
    """The nearest value of the form `pattern`, or None where none can be derived from what was given."""
    if holds_token(given):  # a message must not repeat any part of it
        return None
    return next((text for text in _candidates(given.strip()) if text != given and re.fullmatch(pattern, text)), None)


def _candidates(text: str) -> Iterator[str]:
    """The text with ever more of it changed."""
    bare = re.sub(r"^[a-z]+://(www\.googleapis\.com/compute/[a-z0-9]+/)?", "", text)
    bare = bare if "projects/" in bare else bare.partition("/")[0] if "://" in text else bare
    words = re.sub(r"[^A-Za-z0-9]+", "-", bare).strip("-")
    yield from (
        bare,
        bare[:1].lower() + bare[1:],
        bare.lower(),
        bare.upper(),
        f"0{bare}",  # a time without its first zero
        re.sub(r"(?<=[0-9])(?=[a-z]$)", "-", bare.lower()),  # a zone without its last dash
        words,
        words.lower(),
    )
