"""List model cards, show one on a machine, or pin one to a revision of its repository."""

from typing import Any

import typer
from rich.table import Table

from catalog import sizing
from catalog.defaults import defaults
from catalog.engines import default_engine
from catalog.layouts import layouts_for
from catalog.machines import gpu_machine
from catalog.models import Card, card, card_names
from ops.commands.listing import show_items
from ops.commands.options import AsJson
from ops.commands.usage import LazyGroup
from ops.report import printing


class ModelCommands(LazyGroup):
    """The commands of `models`."""

    names = ("show", "pin")


app = typer.Typer(cls=ModelCommands, add_completion=False, help=__doc__)


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """List model cards, show one on a machine, or pin one to a revision of its repository."""
    context.obj = as_json
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List model cards, as `models` without a command does."""
    _list(as_json=as_json or context.obj)


def _list(*, as_json: bool) -> None:
    show_items("models", card_names(), lambda name: _row(card(name)), _table, as_json=as_json)


def _row(model: Card) -> dict[str, Any]:
    return {
        "name": model.name,
        "repository": model.repository,
        "revision": model.revision,
        "files": len(model.files) if model.files else None,
        "licence": model.license,
        "gated": model.gated,
        "weightsGib": round(sizing.weights_bytes(model) / sizing.GIB, 1),
        "layouts": {
            name: {"gpus": layout.gpus, "why": layout.why}
            for name, layout in layouts_for(model, gpu_machine(defaults().machine), default_engine()).items()
        },
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = printing.table(
        "model", "repository", "revision", "license", "gated", "weights GiB", "layouts:GPUs", right=["weights GiB"]
    )
    for column in table.columns[:-1]:
        column.no_wrap = True
    for row in rows:
        table.add_row(
            row["name"],
            row["repository"],
            row["revision"][:7] if row["revision"] else "not pinned",
            row["licence"],
            "yes" if row["gated"] else "no",
            f"{row['weightsGib']:.1f}",
            ", ".join(f"{name}:{layout['gpus']}" for name, layout in row["layouts"].items()),
        )
    return table
