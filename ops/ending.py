"""How a command ends that does not end well: a sentence on stderr and a code that CI can tell apart."""

import sys
from enum import IntEnum
from typing import NoReturn

import typer


class Exit(IntEnum):
    FAILED = 1
    CONFIG_INVALID = 2
    POLICY_VIOLATED = 3
    DEAR_LOST = 4
    """`diff`: a cluster, GPU pool, weights bucket or VPC would be replaced or deleted, and nobody allowed it."""


def stop(message: str, code: Exit) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(code)
