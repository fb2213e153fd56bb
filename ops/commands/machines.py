"""`machines`: the machines of the catalog."""

from datetime import UTC, datetime

import typer

from catalog.machines import cpu_machine_names, gpu_machine_names
from ops.commands.listing import show_items
from ops.commands.options import AsJson
from ops.report import catalog_tables

app = typer.Typer(add_completion=False)


@app.command()
def machines(as_json: AsJson = False) -> None:
    """List the machines of the catalog: GPUs, memory, capacity modes, zones, prices and their age."""
    today = datetime.now(UTC).date()
    show_items(
        "machines",
        (*gpu_machine_names(), *cpu_machine_names()),
        lambda name: catalog_tables.machine_row(name, today),
        catalog_tables.machine_table,
        as_json=as_json,
    )
