"""How the files of a rehearsal are written: whole or not at all, or for their owner only."""

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replaces the file by renaming, so that a killed process leaves the old text or the new one.

    One writer at a time: the new text is in a file of a fixed name first.
    """
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def write_private(path: Path, text: str) -> None:
    """Writes a file that nobody but its owner can read."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
