"""Options that several commands take."""

from typing import Annotated

import typer

Stack = Annotated[str, typer.Option("--stack", "-s", help="The stack, that is the file Pulumi.<stack>.yaml.")]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Lay a value over the stack file, typed as `config set --path`; an empty one takes the key out.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
