"""Failure of a command: sentences on stderr, and an exit code by which CI tells the kind of failure."""

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import NoReturn

import typer

from ops.offline.recorded import ProgramFailed
from ops.report import printing
from ops.report.plain import plain
from reading.errors import ConfigInvalid, Error
from reading.tokens import masked


class Exit(IntEnum):
    FAILED = 1
    CONFIG_INVALID = 2
    POLICY_VIOLATED = 3
    UNSAFE_CHANGE = 4
    """`diff`: without --allow-replace, something expensive or protected would be replaced or deleted, nodes recreated
    or released, or the update would fail; or a critical policy is weaker than at the base."""


def stop(message: str, code: Exit) -> NoReturn:
    print(f"error: {masked(message)}", file=sys.stderr)
    raise typer.Exit(code)


def stop_on_error(stack: str, path: str, message: str, code: Exit, *, as_json: bool) -> NoReturn:
    """Ends the command like `stop`; with `as_json`, one object on stdout says it."""
    if as_json:
        printing.show_json({"stack": stack, "faults": to_wire([Error(path, message)])})
        raise typer.Exit(code)
    stop(message, code)


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
def errors_printed(stack: str, *, as_json: bool = False, comment: Comment | None = None) -> Iterator[None]:
    """Ends the command with 2 if the block raises ConfigInvalid, with 1 if it raises ProgramFailed."""
    try:
        yield
    except ConfigInvalid as invalid:
        _stop_on_errors(stack, invalid, as_json, comment)
    except ProgramFailed as failed:
        stop(str(failed), Exit.FAILED)


def _stop_on_errors(stack: str, invalid: ConfigInvalid, as_json: bool, comment: Comment | None) -> NoReturn:
    errors = to_wire(invalid.errors)
    if comment:
        print(comment(masked(stack), errors))
    if as_json:
        printing.show_json({"stack": stack, "faults": errors})
        raise typer.Exit(Exit.CONFIG_INVALID)
    count = len(invalid.errors)
    lines = "\n".join(f"  {plain(str(error))}" for error in invalid.errors)
    stop(f"stack {stack} has {count} error{'s' if count > 1 else ''}\n{lines}", Exit.CONFIG_INVALID)


DEBUG = "DYNAMO_GKE_DEBUG"
"""Environment variable that shows tracebacks, like `--debug`; child processes inherit it."""


def unexpected(what: str, error: BaseException) -> None:
    """Prints an unexpected error as one sentence, with --debug its traceback too."""
    if os.environ.get(DEBUG):
        print(masked("".join(traceback.format_exception(error))), end="", file=sys.stderr)
    hint = "" if os.environ.get(DEBUG) else f"; to see the traceback, put --debug before the command or set {DEBUG}=1"
    print(f"error: {what} failed unexpectedly: {type(error).__name__}: {masked(str(error))}{hint}", file=sys.stderr)
