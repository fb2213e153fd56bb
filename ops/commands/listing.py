"""Prints items of the catalog as a table or as one JSON object, and every error in their files."""

import sys
from collections.abc import Callable, Iterable
from typing import Any

import typer
from rich.table import Table

from ops.commands.ending import Exit
from ops.report import printing
from ops.report.plain import plain
from reading.errors import ConfigInvalid, Error

Row = dict[str, Any]


def show_items(
    key: str, names: Iterable[str], row: Callable[[str], Row], table: Callable[[list[Row]], Table], *, as_json: bool
) -> None:
    """Prints the valid items, then the errors of the others. Exits with 2 if there are errors."""
    rows: list[Row] = []
    errors: list[Error] = []
    for name in names:
        try:
            rows.append(row(name))
        except ConfigInvalid as invalid:
            errors += invalid.errors
    if as_json:
        found = [{"path": error.path, "message": error.message} for error in errors]
        printing.show_json({key: rows} | ({"faults": found} if found else {}))
    else:
        shown = table(rows)
        printing.show(lambda console: console.print(shown))
    for error in errors:
        print(f"error: {plain(str(error))}", file=sys.stderr)
    if errors:
        raise typer.Exit(Exit.CONFIG_INVALID)
