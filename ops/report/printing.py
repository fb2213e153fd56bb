"""Tables and text for stdout: colored on a terminal, plain in a file or a pipe."""

import io
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table

from ops.streams import unicode_prints
from reading.tokens import masked

# Width of output into a file or a pipe, and where sentences must stay on one line: rich cuts a tree's lines at the
# width, whatever `soft_wrap` says.
PIPED_WIDTH = 160
ONE_LINE = 100_000


def show(draw: Callable[[Console], None], piped_width: int = PIPED_WIDTH) -> None:
    """Prints what `draw` draws: as wide as the terminal, or plain and without trailing spaces when piped."""
    if sys.stdout.isatty():
        draw(Console(highlight=False))
        return
    console = Console(file=io.StringIO(), width=piped_width, highlight=False, color_system=None)
    with console.capture() as captured:
        draw(console)
    sys.stdout.write(masked("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())))


def show_json(content: Any) -> None:
    """Prints one JSON object, with tokens masked in keys and values."""
    print(json.dumps(_masked(content), indent=2, ensure_ascii=not unicode_prints()))


def _masked(content: Any) -> Any:
    # Each text by itself: in the whole document, a private key without an end line would mask the rest.
    if isinstance(content, dict):
        return {_masked(key): _masked(inner) for key, inner in content.items()}
    if isinstance(content, list | tuple):
        return [_masked(inner) for inner in content]
    return masked(content) if isinstance(content, str) else content


def table(*columns: str, right: Iterable[str] = ()) -> Table:
    """A table with a line under its head; columns named in `right` are right-aligned."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    numeric = set(right)
    for column in columns:
        result.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    return result


def indented(what: RenderableType) -> RenderableType:
    return Padding(what, (0, 0, 0, 2), expand=False)
