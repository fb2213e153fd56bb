"""The model cards: list the catalog's, show one on a machine, pin one to a revision of its repository."""

import sys
from typing import Annotated, Any

import typer

from catalog import sizing
from catalog.defaults import defaults
from catalog.engines import default_engine
from catalog.layouts import layouts_for
from catalog.machines import gpu_machine
from catalog.models import Card, card, card_names
from ops.commands.ending import Exit
from ops.commands.pin import pin
from ops.commands.show import show
from ops.report import printing
from ops.report.plain import plain
from reading.errors import ConfigInvalid, Fault

app = typer.Typer(help=__doc__)


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """List the models of the catalog, show one, or pin one."""
    if context.invoked_subcommand is not None:
        return
    rows: list[dict[str, Any]] = []
    faults: list[Fault] = []
    for name in card_names():
        try:
            rows.append(_row(card(name)))
        except ConfigInvalid as invalid:
            faults += invalid.faults
    if as_json:
        found = [{"path": fault.path, "message": fault.message} for fault in faults]
        printing.show_json({"models": rows} | ({"faults": found} if found else {}))
    else:
        _show(rows)
    for fault in faults:
        print(f"error: {plain(str(fault))}", file=sys.stderr)
    if faults:
        raise typer.Exit(Exit.CONFIG_INVALID)


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


def _show(rows: list[dict[str, Any]]) -> None:
    table = printing.table(
        "model", "repository", "revision", "licence", "gated", "weights GiB", "layouts:GPUs", right=["weights GiB"]
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
    printing.show(lambda console: console.print(table))


app.command()(show)
app.command()(pin)
