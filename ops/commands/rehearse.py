"""`rehearse`: a stack's whole life under the real Pulumi engine, in a simulated cloud."""

import os
import shutil
from collections.abc import Sequence
from typing import Annotated

import typer

from ops.commands.ending import Exit, errors_printed, stop
from ops.commands.options import AsJson, Overrides, Stack
from ops.offline.dry_run import dry_run, planned
from ops.rehearsal.faults.every import Every
from ops.rehearsal.faults.named import ALL, Named
from ops.rehearsal.faults.possible import impossible
from ops.report import printing
from planning.types import Plan
from reading.errors import ConfigInvalid, Error, one_of

app = typer.Typer(add_completion=False)

_OFFICIAL = "official"
_NO_KUBECTL = "--fault runs the commands that mend a stack, for which it needs kubectl on PATH; install it"


@app.command()
def rehearse(
    stack: Stack = "dev",
    overrides: Overrides = [],  # noqa: B006 - typer reads the default, nobody changes it
    fail: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Let the first creation fail whose URN has this text.")
    ] = None,
    fail_every: Annotated[
        str | None,
        typer.Option(
            "--fail-every", metavar="|".join(Every), help="Let the first creation fail of each type, or each resource."
        ),
    ] = None,
    faults: Annotated[
        list[str],
        typer.Option(
            "--fault",
            metavar="NAME",
            help="Meet this fault, and mend it; may be repeated. `all`: each. After --fail-every: in a second life.",
        ),
    ] = [],  # noqa: B006 - typer reads the default, nobody changes it
    swaps: Annotated[
        list[str],
        typer.Option(
            "--swap",
            metavar="PATH=VALUE",
            help="Swap the model by this value, not for a card that the rehearsal chooses; may be repeated.",
        ),
    ] = [],  # noqa: B006 - typer reads the default, nobody changes it
    judge: Annotated[
        str | None,
        typer.Option(metavar=_OFFICIAL, help="After `up`, let Google's own provider preview; needs its plugin."),
    ] = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Also rotate the token, and update after an autoscaler has scaled.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder with state and logs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run preview, up, refresh, a model swap and destroy with the real engine, against a simulated cloud."""
    with errors_printed(stack):
        plan = planned(stack, overrides)
        _refuse_existing(plan)
        if fail_every is not None and fail_every not in list(Every):
            raise ConfigInvalid([Error("--fail-every", one_of(fail_every, list(Every)))])
        if fail is not None and (fail_every or faults):
            other = "--fail-every" if fail_every else "--fault"
            raise ConfigInvalid([Error("--fail", f"does not go together with {other}; give one of them")])
        alone = not (fail or fail_every or faults or thorough)
        if judge is not None:
            _check_judge(judge, alone=alone)
        if swaps:
            _check_swap(stack, overrides, swaps, plan, swapping=not (fail or fail_every or faults or judge))
        named = _named(faults)
        if ALL not in faults and (wrong := impossible(named, plan)):
            raise ConfigInvalid([Error("--fault", f"{name}: {why}") for name, why in wrong.items()])
        if fail is not None:
            from ops.rehearsal.engine import target

            target.check(fail, [resource.urn for resource in dry_run(stack, overrides).recording.resources])
    from ops.rehearsal import official, programs
    from ops.rehearsal.engine import outside, printed
    from ops.rehearsal.engine.request import Request

    try:
        plugin = official.find(os.environ) if judge else None
        found = programs.find()
    except programs.ProgramsMissing as missing:
        stop(str(missing), Exit.FAILED, path="rehearsal", stack=stack)
    kubectl = shutil.which("kubectl")
    if named and not kubectl:
        stop(_NO_KUBECTL, Exit.FAILED, path="rehearsal", stack=stack)
    request = Request(
        stack=stack,
        overrides=overrides,
        programs=found,
        fail=fail,
        thorough=thorough,
        quiet=as_json,
        fail_every=fail_every,
        judge=str(plugin) if plugin else None,
        faults=named,
        swap=swaps,
        kubectl=kubectl,
    )
    code, report = outside.run(request, dict(os.environ), keep=keep)
    if as_json:
        printing.show_json(report)
    elif "timeline" in report:
        printed.show(report)
    elif code == Exit.INTERRUPTED:
        raise KeyboardInterrupt  # as any command's
    raise typer.Exit(code)


def _named(given: Sequence[str]) -> list[Named]:
    """Raises ConfigInvalid for a name that no fault has."""
    if wrong := [name for name in given if name not in (ALL, *Named)]:
        raise ConfigInvalid([Error("--fault", one_of(name, [*Named, ALL])) for name in wrong])
    return [name for name in Named if ALL in given or name in given]


def _check_swap(stack: str, overrides: Sequence[str], given: Sequence[str], plan: Plan, *, swapping: bool) -> None:
    """Raises ConfigInvalid for values that swap no model, and in a rehearsal that does not swap any."""
    if not swapping:
        others = "--fail, --fail-every, --fault and --judge"
        raise ConfigInvalid(
            [Error("--swap", f"a rehearsal with a fault or a judge swaps no model; leave out {others}")]
        )
    from ops.rehearsal.engine import swap

    swap.given(stack, overrides, given, plan)


def _check_judge(judge: str, *, alone: bool) -> None:
    """Raises ConfigInvalid for another judge, and beside options of other rehearsals."""
    if judge != _OFFICIAL:
        raise ConfigInvalid([Error("--judge", one_of(judge, [_OFFICIAL]))])
    if not alone:
        raise ConfigInvalid(
            [Error("--judge", "only previews after `up`; leave out --fail, --fail-every, --fault and --thorough")]
        )


def _refuse_existing(plan: Plan) -> None:
    """Raises ConfigInvalid for a stack in an existing cluster, which a rehearsal must never reach."""
    if plan.cluster.existing:
        raise ConfigInvalid(
            [
                Error(
                    "cluster.existing",
                    "a rehearsal has a cluster of its own and reaches no other; rehearse a stack that creates its "
                    "cluster",
                )
            ]
        )
