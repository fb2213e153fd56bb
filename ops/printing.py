"""Tables and text for stdout: coloured on a terminal, plain in a file or a pipe."""

import io
import sys
from collections.abc import Callable, Iterable

from rich import box
from rich.console import Console
from rich.table import Table

# Columns of what goes into a file or a pipe, and of sentences there that must stay on one line: rich cuts a tree's
# lines at the width, whatever `soft_wrap` says.
PIPED_WIDTH = 160
ONE_LINE = 100_000


def show(draw: Callable[[Console], None], piped_width: int = PIPED_WIDTH) -> None:
    """Prints what `draw` draws: as wide as the terminal, or plain and without trailing blanks when piped."""
    if sys.stdout.isatty():
        draw(Console(highlight=False))
        return
    console = Console(file=io.StringIO(), width=piped_width, highlight=False, color_system=None)
    with console.capture() as captured:
        draw(console)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def table(*columns: str, right: Iterable[str] = ()) -> Table:
    """A table with a line under its head, the columns named in `right` set to the right."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    numeric = set(right)
    for column in columns:
        result.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    return result
