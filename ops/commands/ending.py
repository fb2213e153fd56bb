"""Failure of a command: sentences on stderr, and an exit code by which CI tells the kind of failure."""

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import NoReturn

from ops import interrupts
from ops.offline.recorded import ProgramFailed
from ops.report import printing
from ops.report.plain import plain
from ops.streams import Unwritten
from reading.errors import ConfigInvalid, Error, counted
from reading.tokens import masked


class Exit(IntEnum):
    FAILED = 1
    CONFIG_INVALID = 2
    POLICY_VIOLATED = 3
    UNSAFE_CHANGE = 4
    """`diff`: without --allow-replace, something expensive or protected would be replaced or deleted, nodes recreated
    or released, or the update would fail; or a critical policy is weaker than at the base."""
    INTERRUPTED = interrupts.CODE
    UNREAD = 141
    """The program that reads stdout has ended, as in `… | head`: the code of a program that SIGPIPE ends."""


class Failed(Exception):
    """A command cannot do what it was asked to. `Commands` says why and ends the program."""

    def __init__(self, errors: Sequence[Error], code: int, sentences: Sequence[str], stack: str | None) -> None:
        super().__init__(*sentences)
        self.code = code
        self._errors, self._sentences, self._stack = errors, sentences, stack

    def show(self, *, as_json: bool) -> None:
        """One object on stdout for a command with --json, else sentences on stderr."""
        if as_json:
            about = {} if self._stack is None else {"stack": self._stack}
            printing.show_json(about | {"faults": to_wire(self._errors)})
        else:
            for sentence in self._sentences:
                print(f"error: {masked(sentence)}", file=sys.stderr)


def interrupted() -> Failed:
    """What a command that Ctrl-C interrupted ends with."""
    return Failed([Error("command", interrupts.SAID)], Exit.INTERRUPTED, [interrupts.SAID], None)


def is_interrupt(error: BaseException) -> bool:
    """Whether Ctrl-C raised the error. At a question, typer raises Abort in its place, as it does where input ends."""
    return KeyboardInterrupt in (type(error), type(error.__context__))


def output_lost(lost: Unwritten) -> int:
    """Says why stdout cannot be written, quietly if its reader has ended. Returns the exit code."""
    if lost.unread:
        return Exit.UNREAD
    print(f"error: {lost}", file=sys.stderr)
    return Exit.FAILED


def asked_for_json(words: Iterable[str]) -> bool:
    """Whether a command line asks for one JSON object, which then also says why the command failed."""
    return "--json" in words


def stop(message: str, code: int, *, path: str = "command", stack: str | None = None) -> NoReturn:
    """Ends the command with a sentence. `path`: what JSON says it is about, such as an option."""
    raise Failed([Error(path, message)], code, [message], stack)


def to_wire(errors: Iterable[Error]) -> list[dict[str, str]]:
    """The JSON of errors, as commands print it under `faults`."""
    return [{"path": error.path, "message": error.message} for error in errors]


def print_errors(errors: Iterable[Error]) -> None:
    """Prints each error on a line of its own on stderr."""
    for error in errors:
        print(f"error: {plain(str(error))}", file=sys.stderr)


Comment = Callable[[str, list[dict[str, str]]], str]
"""Stack and errors → the comment of a pull request."""


@contextmanager
def errors_printed(stack: str | None = None, *, comment: Comment | None = None) -> Iterator[None]:
    """Ends the command with 2 if the block raises ConfigInvalid, with 1 if it raises ProgramFailed."""
    try:
        yield
    except ConfigInvalid as invalid:
        if comment:
            print(comment(masked(stack or ""), to_wire(invalid.errors)))
        raise Failed(invalid.errors, Exit.CONFIG_INVALID, _sentences(stack, invalid), stack) from None
    except ProgramFailed as failed:
        stop(str(failed), Exit.FAILED, path="program", stack=stack)


def _sentences(stack: str | None, invalid: ConfigInvalid) -> list[str]:
    """The errors of a stack below one head; each by itself without a stack, or if its name is empty."""
    lines = [plain(str(error)) for error in invalid.errors]
    if not stack:
        return lines
    return ["\n  ".join([f"stack {stack} has {counted(len(lines), 'error')}", *lines])]


DEBUG = "DYNAMO_GKE_DEBUG"
"""Environment variable that shows tracebacks, like `--debug`; child processes inherit it."""


def unexpected(what: str, error: BaseException) -> str:
    """Prints an unexpected error as one sentence, which it returns, with --debug its traceback too."""
    if os.environ.get(DEBUG):
        print(masked("".join(traceback.format_exception(error))), end="", file=sys.stderr)
    hint = "" if os.environ.get(DEBUG) else f"; to see the traceback, put --debug before the command or set {DEBUG}=1"
    sentence = f"{what} failed unexpectedly: {type(error).__name__}: {masked(str(error))}{hint}"
    print(f"error: {sentence}", file=sys.stderr)
    return sentence
