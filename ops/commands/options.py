"""Options that several commands take."""

from typing import Annotated

import typer

Stack = Annotated[str, typer.Option("--stack", "-s", help="The stack, from Pulumi.<stack>.yaml.")]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Override a value of the stack file, typed as its key is; an empty value removes the key.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
