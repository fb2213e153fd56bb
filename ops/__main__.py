"""Preview, compare and run stacks. Only `status` needs a cluster, and only `rehearse` the Pulumi CLI."""

import os
import sys
from typing import Annotated

import typer

from ops.commands.ending import DEBUG, Exit, Failed, asked_for_json, unexpected
from ops.commands.usage import Commands
from reading.errors import Error

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=__doc__,
    context_settings={"help_option_names": ["--help", "-h"]},  # of every command below, too
)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of unexpected errors.")] = False,
) -> None:
    if debug:
        os.environ[DEBUG] = "1"


def main() -> None:
    """Runs the command that the arguments name. Prints an unexpected error as a sentence, too."""
    try:
        app(prog_name="dynamo-gke")
    except Exception as error:
        sentence = unexpected("dynamo-gke", error)
        if asked_for_json(sys.argv):
            Failed([Error("dynamo-gke", sentence)], Exit.FAILED, [sentence], None).show(as_json=True)
        sys.exit(Exit.FAILED)


if __name__ == "__main__":
    main()
