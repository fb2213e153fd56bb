"""`rollout`: the pods that a change of settings restarts."""

import typer

from ops.commands.ending import errors_printed
from ops.commands.options import AsJson, Overrides, Stack
from ops.offline.dry_run import planned
from ops.report import printing
from reading.errors import ConfigInvalid, Error

app = typer.Typer(add_completion=False)


@app.command()
def rollout(
    stack: Stack = "dev",
    overrides: Overrides = [],  # noqa: B006 - typer reads the default, nobody changes it
    as_json: AsJson = False,
) -> None:
    """Show which pods the overrides restart, compared with the stack file, and how long capacity is down."""
    from ops.changes.rollout import restarted

    with errors_printed(stack):
        if not overrides:
            raise ConfigInvalid([Error("--set", "is missing; give a change, such as --set versions.runtime=1.6.2")])
        restarts = restarted(planned(stack), planned(stack, overrides))
    if as_json:
        printing.show_json({"stack": stack, "restarts": restarts})
    else:
        print("\n".join(restarts) or "no pod restarts; `./dynamo-gke diff` shows other changes")
