"""`render`: the Kubernetes objects of a stack as YAML."""

import sys
from typing import Annotated

import typer

from ops.commands.ending import Exit, errors_printed, stop
from ops.commands.options import Overrides, Stack
from ops.offline.dry_run import dry_run
from ops.streams import unicode_prints
from reading.errors import one_of

app = typer.Typer(add_completion=False)


@app.command()
def render(
    stack: Stack = "dev",
    overrides: Overrides = [],  # noqa: B006 - typer reads the default, nobody changes it
    only: Annotated[str | None, typer.Option(metavar="KIND/NAME", help="Print this object only.")] = None,
) -> None:
    """Print the Kubernetes objects as YAML for `kubectl apply`, without objects that contain secrets."""
    with errors_printed(stack):
        run = dry_run(stack, overrides)
    for warning in run.plan.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    from ops.report import objects

    if only and only not in (known := objects.keys(run.recording)):
        stop(f"--only: {one_of(only, known)}", Exit.CONFIG_INVALID)
    print(objects.to_yaml(run.recording, only=only, unicode=unicode_prints()), end="")
