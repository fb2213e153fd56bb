"""`preview`: resources, cost, warnings and policy violations of a stack."""

import sys
from collections.abc import Sequence

import typer

from ops.commands.ending import Exit, errors_printed
from ops.commands.options import AsJson, Overrides, Stack
from ops.offline.dry_run import dry_run, planned
from ops.report import printing
from planning.types import Plan
from reading.errors import ConfigInvalid

app = typer.Typer(add_completion=False)


@app.command()
def preview(
    stack: Stack = "dev",
    overrides: Overrides = [],  # noqa: B006 - typer reads the default, nobody changes it
    as_json: AsJson = False,
) -> None:
    """Show what `pulumi up` would create, what it costs, warnings and policy violations."""
    with errors_printed(stack, as_json=as_json):
        run = dry_run(stack, overrides)
        from ops.offline.judged import judged

        found = judged(run)
    if as_json:
        printing.show_json(found.to_wire())
    else:
        from ops.report import present

        restarts = _restarts(stack, found.run.plan) if overrides else ()
        present.show(found.run.plan, found.run.recording, found.verdicts, restarts)
    if found.mandatory:
        if not as_json:
            print(f"error: {found.mandatory} mandatory policy violations", file=sys.stderr)
        raise typer.Exit(Exit.POLICY_VIOLATED)


def _restarts(stack: str, after: Plan) -> Sequence[str]:
    """Restarts by the overrides, compared with the stack file; empty if the stack file alone is invalid."""
    from ops.changes.rollout import restarted

    try:
        return restarted(planned(stack), after)
    except ConfigInvalid:
        return ()
