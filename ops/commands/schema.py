"""`schema`: the JSON Schema of a stack file."""

import json

import typer

from ops.commands.ending import Exit, print_errors
from reading.errors import ConfigInvalid

app = typer.Typer(add_completion=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a stack file, by which editors complete, explain and check it."""
    try:
        print(text(), end="")
    except ConfigInvalid as invalid:  # a file of the catalog
        print_errors(invalid.errors)
        raise typer.Exit(Exit.CONFIG_INVALID) from None


def text() -> str:
    """The schema as it is printed and committed."""
    from settings.stack_schema import stack_schema

    return json.dumps(stack_schema(), indent=1, ensure_ascii=False) + "\n"
