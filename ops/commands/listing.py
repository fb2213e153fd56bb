"""Prints items of the catalog as a table or as one JSON object, and every error in their files."""

from collections.abc import Callable, Iterable
from typing import Any

import typer
from rich.table import Table

from ops.commands.ending import Exit, print_errors, to_wire
from ops.report import printing
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
        printing.show_json({key: rows} | ({"faults": to_wire(errors)} if errors else {}))
    else:
        shown = table(rows)
        printing.show(lambda console: console.print(shown))
    print_errors(errors)
    if errors:
        raise typer.Exit(Exit.CONFIG_INVALID)
