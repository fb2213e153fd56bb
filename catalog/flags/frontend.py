"""The flags of `dynamo.frontend`, which belongs to no engine."""

from functools import cache
from pathlib import Path

from catalog.flags.table import Table, read

FRONTEND_TABLE = Path(__file__).with_name("frontend.json")


@cache
def frontend_flags() -> Table:
    removed = {"--admission-control": "--active-decode-blocks-threshold"}
    return read(FRONTEND_TABLE, removed)
