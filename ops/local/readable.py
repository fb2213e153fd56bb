"""Turns the simulated engine's random tokens into readable text."""

import zlib
from collections.abc import Sequence

# Common English words.
_WORDS = (
    *("river", "stone", "cloud", "paper", "window", "garden", "market", "silver", "winter", "letter", "bridge"),
    *("copper", "forest", "island", "mirror", "orange", "pocket", "school", "tunnel", "yellow", "summer", "ladder"),
)
_SENTENCE_WORDS = 12


def as_words(pieces: Sequence[str]) -> str:
    """One word per piece of text, always the same word for a piece, in sentences of twelve words."""
    words = [_WORDS[zlib.crc32(piece.encode()) % len(_WORDS)] for piece in pieces]
    sentences = [words[start : start + _SENTENCE_WORDS] for start in range(0, len(words), _SENTENCE_WORDS)]
    return " ".join(f"{' '.join(sentence).capitalize()}." for sentence in sentences)
