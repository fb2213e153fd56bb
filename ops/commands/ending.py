"""How a command ends that does not end well: a sentence on stderr and a code that CI can tell apart."""

import os
import sys
import traceback
from enum import IntEnum
from typing import NoReturn

import typer

from reading.tokens import masked


class Exit(IntEnum):
    FAILED = 1
    CONFIG_INVALID = 2
    POLICY_VIOLATED = 3
    DEAR_LOST = 4
    """`diff`: something expensive or protected would be replaced or deleted, nodes recreated or released, or the update
    would fail, and nobody allowed it."""


def stop(message: str, code: Exit) -> NoReturn:
    print(f"error: {masked(message)}", file=sys.stderr)
    raise typer.Exit(code)


DEBUG = "DYNAMO_GKE_DEBUG"
"""Environment variable that shows tracebacks, as `--debug` does; child processes inherit it."""


def unexpected(what: str, error: BaseException) -> None:
    """Prints an error that nobody foresaw as one sentence, with its traceback when --debug asks for it."""
    if os.environ.get(DEBUG):
        print(masked("".join(traceback.format_exception(error))), end="", file=sys.stderr)
    hint = "" if os.environ.get(DEBUG) else f"; --debug before the command, or {DEBUG}=1, shows the traceback"
    print(f"error: {what} failed unexpectedly: {type(error).__name__}: {masked(str(error))}{hint}", file=sys.stderr)
