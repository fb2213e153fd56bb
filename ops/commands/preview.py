"""`preview`: resources, cost, warnings and policy violations of a stack."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ops.commands.ending import Exit, errors_printed, stop
from ops.commands.options import AsJson, Overrides, Stack
from ops.offline.dry_run import dry_run, planned
from ops.report import printing
from planning.types import Plan
from reading.errors import ConfigInvalid, counted

if TYPE_CHECKING:  # rooms that only a picture or a comparison needs
    from ops.offline.against_base import AgainstBase
    from ops.offline.judged import Judged

app = typer.Typer(add_completion=False)


@app.command()
def preview(
    stack: Stack = "dev",
    overrides: Overrides = [],  # noqa: B006 - typer reads the default, nobody changes it
    as_json: AsJson = False,
    diagrams: Annotated[
        list[Path],
        typer.Option(
            "--diagram", metavar="FILE", help="Write a picture too: FILE.html, a page, or FILE.mmd, for Mermaid."
        ),
    ] = [],  # noqa: B006 - as above
    base: Annotated[
        str | None, typer.Option("--base", metavar="REF", help="Show in the page what changes from this commit.")
    ] = None,
) -> None:
    """Show what `pulumi up` would create, what it costs, warnings and policy violations."""
    for path in diagrams:
        _check(path)
    if base is not None and not any(path.suffix == _PAGE for path in diagrams):
        stop(
            f"--base shows changes in a page: add --diagram FILE{_PAGE}, or use `diff --base`",
            Exit.FAILED,
            path="--base",
        )
    with errors_printed(stack):
        found, compared = _previewed(stack, overrides, base)
    if diagrams:
        _draw(diagrams, found, compared)
    if as_json:
        printing.show_json(found.to_wire())
    else:
        from ops.report import present

        restarts = _restarts(stack, found.run.plan) if overrides else ()
        present.show(found.run.plan, found.run.recording, found.verdicts, restarts)
        for path in diagrams:
            print(f"Picture: {path}")
    if found.mandatory:
        if not as_json:
            print(f"error: {counted(found.mandatory, 'mandatory policy violation')}", file=sys.stderr)
        raise typer.Exit(Exit.POLICY_VIOLATED)


_PAGE = ".html"
_SUFFIXES = (_PAGE, ".mmd")


def _check(path: Path) -> None:
    """Stops if a picture cannot be written there, before anything is computed."""
    if path.suffix not in _SUFFIXES:
        _refuse(path, f"must end in {' or '.join(_SUFFIXES)}")
    try:
        if path.is_dir():
            _refuse(path, f"is a folder; give a file in it, such as {path / 'page.html'}")
        if not path.parent.is_dir():
            _refuse(path, f"there is no folder {path.parent}; create it first")
    except OSError as error:
        _cannot_write(path, error)


def _previewed(stack: str, overrides: list[str], base: str | None) -> "tuple[Judged, AgainstBase | None]":
    """The preview, and its comparison with a base if one is given."""
    if base is None:
        run = dry_run(stack, overrides)
        from ops.offline.judged import judged

        return judged(run), None
    from ops.offline.against_base import against_base
    from ops.offline.base_checkout import DiffFailed

    try:
        compared = against_base(base, stack, overrides)
    except DiffFailed as failed:
        stop(str(failed), Exit.FAILED, path="--base", stack=stack)
    return compared.head, compared


def _draw(paths: Sequence[Path], found: "Judged", compared: "AgainstBase | None") -> None:
    from ops.report.page import file
    from ops.report.page.view import page

    shown = page(found, compared)
    for path in paths:
        try:
            file.write(path, shown)
        except OSError as error:
            _cannot_write(path, error)


def _cannot_write(path: Path, error: OSError) -> NoReturn:
    _refuse(path, f"cannot be written: {error.strerror}; choose another file")


def _refuse(path: Path, why: str) -> NoReturn:
    stop(f"--diagram {path}: {why}", Exit.FAILED, path="--diagram")


def _restarts(stack: str, after: Plan) -> Sequence[str]:
    """Restarts by the overrides, compared with the stack file; empty if the stack file alone is invalid."""
    from ops.changes.rollout import restarted

    try:
        return restarted(planned(stack), after)
    except ConfigInvalid:
        return ()
