"""Errors that end a local run: one sentence and the exit code."""

import sys

from reading.tokens import masked


class LocalRunError(Exception):
    """The machine or the running graph failed; exit code 1."""

    exit_code = 1


class ConfigurationError(LocalRunError):
    """The graph or an option is invalid; exit code 2."""

    exit_code = 2


def report_error(error: LocalRunError) -> int:
    """Prints the error's sentence on stderr and returns its exit code."""
    print(f"error: {masked(str(error))}", file=sys.stderr)
    return error.exit_code
