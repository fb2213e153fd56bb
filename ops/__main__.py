"""Preview, compare and run stacks. Only `status` needs a cluster; no command needs the Pulumi binary."""

import os
import sys
from typing import Annotated

import typer

from ops.commands import models
from ops.commands.diff import diff
from ops.commands.ending import DEBUG, Exit, unexpected
from ops.commands.engines import engines
from ops.commands.local import local
from ops.commands.machines import machines
from ops.commands.preview import preview
from ops.commands.render import render
from ops.commands.rollout import rollout
from ops.commands.status import status
from ops.commands.usage import Commands
from ops.commands.verify import verify

app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of unexpected errors.")] = False,
) -> None:
    if debug:
        os.environ[DEBUG] = "1"


for command in (preview, render, status, diff):
    app.command()(command)
# The verification program parses its own arguments. `proof` is its old name, which scripts still call.
for name, hidden in (("verify", False), ("proof", True)):
    passed_on = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(name, context_settings=passed_on, add_help_option=False, hidden=hidden)(verify)
for command in (rollout, local, machines, engines):
    app.command()(command)
app.add_typer(models.app, name="models")


def main() -> None:
    """Runs the command that the arguments name. Prints an unexpected error as a sentence, too."""
    try:
        app(prog_name="dynamo-gke")
    except Exception as error:
        unexpected("dynamo-gke", error)
        sys.exit(Exit.FAILED)


if __name__ == "__main__":
    main()
