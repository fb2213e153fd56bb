"""Preview, compare and run stacks. Only `status` needs a cluster, and only `rehearse` the Pulumi CLI."""

import sys

from ops import interrupts, streams

if __name__ == "__main__":  # before the other imports, which take half a second
    interrupts.end_at_once(as_json="--json" in sys.argv)
    streams.prepare()

import os
from typing import Annotated

import typer

from ops.commands.ending import DEBUG, Exit, Failed, asked_for_json, output_lost, unexpected
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
        try:
            app(prog_name="dynamo-gke")
        except streams.Unwritten:
            raise
        except Exception as error:
            sentence = unexpected("dynamo-gke", error)
            if asked_for_json(sys.argv):
                Failed([Error("dynamo-gke", sentence)], Exit.FAILED, [sentence], None).show(as_json=True)
            sys.exit(Exit.FAILED)
        finally:
            sys.stdout.flush()
    except streams.Unwritten as lost:
        sys.exit(output_lost(lost))


if __name__ == "__main__":
    interrupts.raise_once()
    try:
        main()
    except SystemExit as end:
        if end.code == Exit.INTERRUPTED:
            # Python itself would end by SIGINT, where KeyboardInterrupt was raised in code of `exec`.
            os._exit(Exit.INTERRUPTED)
        raise
    finally:
        interrupts.end_at_once()
