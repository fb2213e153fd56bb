"""`models show`: a model card, and its memory and layouts on a machine."""

from collections.abc import Callable
from typing import Annotated

import typer

from catalog.defaults import default_machine
from catalog.engines import engine, real_engines
from catalog.machines import gpu_machine, gpu_machine_name
from catalog.models import card_name
from ops.commands.ending import errors_printed
from ops.commands.options import AsJson
from ops.report import card_facts, printing
from planning.candidates import candidates
from reading.errors import ConfigInvalid, Error, one_of

app = typer.Typer(add_completion=False)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A model of the catalog, or a file such as ./cards/ours.yaml.")],
    machine: Annotated[
        str | None,
        typer.Option("--machine", help="A machine of the catalog, or a file; by default the catalog's."),
    ] = None,
    engine_name: Annotated[
        str | None,
        typer.Option("--engine", help="The engine of the layouts on GPUs; by default the catalog's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a card, and on a machine its memory, KV cache, number formats, layouts and engine arguments."""
    node = machine or default_machine()
    with errors_printed():
        _check(
            {
                "model": lambda: card_name(name),
                "--machine": lambda: gpu_machine_name(node),
                "--engine": lambda: _real_engine(engine_name),
            }
        )
        chosen = engine(engine_name) if engine_name else None
        found = card_facts.facts(name, candidates(name, gpu_machine(node), chosen))
    if as_json:
        printing.show_json(found)
    else:
        printing.show(lambda console: console.print(card_facts.page(found)))


def _real_engine(name: str | None) -> str:
    """The name of an engine that runs on GPUs; empty for the default. Raises ValueError for another name."""
    names = tuple(each.name for each in real_engines())
    if name is not None and name not in names:
        raise ValueError(one_of(name, names))
    return name or ""


def _check(given: dict[str, Callable[[], str]]) -> None:
    """Raises ConfigInvalid with the error of each argument that names nothing known."""
    errors: list[Error] = []
    for path, read in given.items():
        try:
            read()
        except ValueError as why:
            errors.append(Error(path, str(why)))
    if errors:
        raise ConfigInvalid(errors)
