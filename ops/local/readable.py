"""The simulated engine's random tokens as text that a person can look at."""

import zlib
from collections.abc import Sequence

# Frequent English words of no particular meaning.
_WORDS = (
    *("river", "stone", "cloud", "paper", "window", "garden", "market", "silver", "winter", "letter", "bridge"),
    *("copper", "forest", "island", "mirror", "orange", "pocket", "school", "tunnel", "yellow", "summer", "ladder"),
)
_SENTENCE_WORDS = 12


def as_words(pieces: Sequence[str]) -> str:
    """Each piece of text as one word, the same word for the same piece, in sentences of twelve."""
    words = [_WORDS[zlib.crc32(piece.encode()) % len(_WORDS)] for piece in pieces]
    sentences = [words[start : start + _SENTENCE_WORDS] for start in range(0, len(words), _SENTENCE_WORDS)]
    return " ".join(f"{' '.join(sentence).capitalize()}." for sentence in sentences)
