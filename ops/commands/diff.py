"""`diff`: what this checkout changes in a stack that is deployed from a base commit."""

import sys
from typing import Annotated

import typer

from ops.commands.ending import Exit, errors_printed, stop
from ops.commands.options import AsJson, Stack
from ops.report import printing

app = typer.Typer(add_completion=False)


@app.command()
def diff(
    base: Annotated[
        str, typer.Option("--base", metavar="REF", help="Deployed branch, tag or commit, such as origin/main.")
    ],
    stack: Stack = "dev",
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a comment for a pull request.")] = False,
    as_json: AsJson = False,
    allow_replace: Annotated[
        bool, typer.Option("--allow-replace", help="Accept lost and recreated resources: exit 0.")
    ] = False,
) -> None:
    """Show what this checkout creates, updates, replaces and deletes in a stack deployed from the base."""
    from ops.offline.against_base import against_base
    from ops.offline.base_checkout import DiffFailed
    from ops.report import diff_report

    if as_markdown and as_json:
        stop("--markdown and --json are mutually exclusive; give one of them", Exit.FAILED, path="--markdown")
    with errors_printed(stack, comment=diff_report.errors_markdown if as_markdown else None):
        try:
            found = against_base(base, stack)
        except DiffFailed as failed:
            stop(str(failed), Exit.FAILED, path="--base", stack=stack)
    comparison = found.comparison
    if as_json:
        wire = diff_report.to_wire(stack, found.base, comparison) | {"warnings": list(found.warnings)}
        printing.show_json(wire)
    else:
        text = diff_report.to_markdown if as_markdown else diff_report.to_text
        print(text(stack, found.base, comparison, found.warnings))
    if failures := diff_report.failures(comparison, replacing_allowed=allow_replace):
        if not as_json:
            print(f"error: {failures}", file=sys.stderr)
        raise typer.Exit(Exit.UNSAFE_CHANGE)
