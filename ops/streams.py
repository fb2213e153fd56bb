"""stdin, stdout and stderr as every command needs them: open, never failing on a character, with one error for loss."""

import codecs
import io
import os
import sys
from typing import Any, TextIO

_ASCII = {
    **{"→": "->", "…": "...", "•": "*", "·": "-", "×": "x", "–": "-", "—": "-", "≤": "<=", "≥": ">=", "■": "#"},
    **dict.fromkeys("─━", "-"),
    **dict.fromkeys("│┃", "|"),
    **dict.fromkeys("├└┌┐┘┤┬┴┼┏┓┗┛┡┩┳┻╇", "+"),
}
"""Characters of tables and sentences → what an encoding without them shows. Others become `?`."""
_ERRORS = "dynamo-gke.ascii"
_LEFT_TO_US = ("strict", "surrogateescape")
"""How Python treats unencodable characters if the user's PYTHONIOENCODING does not say."""


class Unwritten(Exception):
    """stdout cannot be written: its disk is full, for example, or the program that reads it has ended."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"stdout cannot be written ({error.strerror}), so the output is incomplete; write it elsewhere"
        )
        self.unread = isinstance(error, BrokenPipeError)


class _Stdout(io.FileIO):
    """Raises Unwritten at the first error. Then discards text, which Python would write once more when it ends."""

    _lost = False

    def write(self, data: Any, /) -> int | None:
        if self._lost:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except OSError as error:
            self._lost = True
            raise Unwritten(error) from None


class _Stderr(io.FileIO):
    """Discards what cannot be written: nothing is left to say it with, but the exit code."""

    def write(self, data: Any, /) -> int | None:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def prepare() -> None:
    """Makes the three streams usable for this process and its children; called once, before anything is printed."""
    _open_closed()
    codecs.register_error(_ERRORS, _without_unicode)
    sys.stdout = _text(sys.stdout, _Stdout(1, "w", closefd=False))
    sys.stderr = _text(sys.stderr, _Stderr(2, "w", closefd=False))
    sys.stdin = sys.stdin or io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")


def unicode_prints() -> bool:
    """Whether stdout can show every character. Data, such as JSON, must be escaped where it cannot."""
    return (sys.stdout.encoding or "utf-8").lower().startswith("utf")


def _open_closed() -> None:
    """Opens what the caller closed, as `>&-` does. Otherwise a file of the command would get the stream's number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, so this one


def _text(given: TextIO | None, raw: io.FileIO) -> io.TextIOWrapper:
    """A text stream over `raw`, with encoding and buffering of Python's own stream; UTF-8 where there is none."""
    encoding, errors = (given.encoding, given.errors) if given else ("utf-8", None)
    unbuffered = bool(getattr(given, "write_through", False))
    return io.TextIOWrapper(
        raw if unbuffered else io.BufferedWriter(raw),  # pyright: ignore[reportArgumentType]
        encoding,
        errors if errors and errors not in _LEFT_TO_US else _ERRORS,
        line_buffering=bool(getattr(given, "line_buffering", False)),
        write_through=unbuffered,
    )


def _without_unicode(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(_ASCII.get(each, "?") for each in error.object[error.start : error.end]), error.end
