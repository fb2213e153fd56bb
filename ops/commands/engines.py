"""`engines`: the engines of the catalog."""

import typer

from catalog.engines import engine_names
from ops.commands.listing import show_items
from ops.commands.options import AsJson
from ops.report import catalog_tables

app = typer.Typer(add_completion=False)


@app.command()
def engines(as_json: AsJson = False) -> None:
    """List the engines of the catalog: image, module, whether simulated, and how many flags are known."""
    show_items("engines", engine_names(), catalog_tables.engine_row, catalog_tables.engine_table, as_json=as_json)
