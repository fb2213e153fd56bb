"""`schema`: the JSON Schema of a stack file."""

import json

import typer

from ops.commands.ending import errors_printed
from ops.streams import unicode_prints

app = typer.Typer(add_completion=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a stack file, by which editors complete, explain and check it."""
    with errors_printed():  # of a file of the catalog
        print(text(unicode=unicode_prints()), end="")


def text(*, unicode: bool = True) -> str:
    """The schema as it is printed and committed; in ASCII where stdout has no more."""
    from settings.stack_schema import stack_schema

    return json.dumps(stack_schema(), indent=1, ensure_ascii=not unicode) + "\n"
