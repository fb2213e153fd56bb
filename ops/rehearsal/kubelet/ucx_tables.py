"""Prints protocol tables like UCX, from structured data. `tests/unit/test_ucx_tables.py` compares both layouts with
real logs, so that unrecorded cases (GPUs, RDMA) have the real form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

READ = "remote memory read by ucp_get*(multi) into cuda/GPU1 from cuda/dev[0]"
WRITE = "remote memory write by ucp_put*(multi) from cuda/GPU1 to cuda/dev[0]"


@dataclass(frozen=True)
class Table:
    """A table: the title's two parts, and rows of range, description and config."""

    rows: Sequence[tuple[str, str, str]]
    operation: str = READ
    endpoint: str = "inter-node"
    number: int = 2

    @property
    def name(self) -> str:
        return f"ucp_context_0 {self.endpoint} cfg#{self.number}"

    def but(self, **changes: object) -> "Table":
        return replace(self, **changes)


def _rule(widths: Iterable[int]) -> str:
    return "+" + "+".join("-" * (width + 2) for width in widths) + "+"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def older(table: Table) -> list[str]:
    """The lines of a table up to UCX 1.21, without prefixes. Range and name share a column, aligned to the right."""
    first = max(len(table.name), *(len(r[0]) for r in table.rows), 0) if table.rows else len(table.name)
    config = max((len(row[2]) for row in table.rows), default=0)
    description = max((len(row[1]) for row in table.rows), default=0)
    description = max(description, len(table.operation) - config)
    title, body = (first, description + 3 + config), (first, description, config)
    rows = [_line((r.rjust(first), d.ljust(description), c.ljust(config))) for r, d, c in table.rows]
    head = _line((table.name.rjust(first), table.operation.ljust(title[1])))
    return [_rule(title), head, _rule(body), *rows, _rule(body)]


def newer(table: Table) -> list[str]:
    """The lines of a table of UCX 1.22, without prefixes. The last column grows until the title fits over all."""
    header = ("Range", "Description", "Config")
    widths = [max(len(row[i]) for row in (header, *table.rows)) for i in range(3)]
    widths[2] += max(0, max(len(table.name), len(table.operation)) - (sum(widths) + 6))
    full = sum(widths) + 6
    rows = [_line((r.rjust(widths[0]), d.ljust(widths[1]), c.ljust(widths[2]))) for r, d, c in table.rows]
    names = _line(_centered(cell, width) for cell, width in zip(header, widths, strict=True))
    titles = [_line((text.ljust(full),)) for text in (table.name, table.operation)]
    # A table without rows has no closing rule.
    return [_rule(widths), *titles, _rule(widths), names, _rule(widths), *rows, *([_rule(widths)] if rows else [])]


def _centered(text: str, width: int) -> str:
    """Centers a text like UCX: the odd space comes last."""
    left = (width - len(text)) // 2
    return " " * left + text + " " * (width - len(text) - left)


LAYOUTS = {"1.21": older, "1.22": newer}


def printed(
    lines: Iterable[str], *, pid: int = 311, host: str = "decode-0", thread: str = "0", seconds: int = 1795865496
) -> list[str]:
    """Adds a process's prefix to lines."""
    return [f"[{seconds}.{n:06}] [{host}:{pid:<5}:{thread}]   {line}" for n, line in enumerate(lines, start=648367)]


def log(layout: str, *tables: Table, pid: int = 311, thread: str = "0") -> list[str]:
    """The lines of a log with these tables of one thread."""
    return [line for table in tables for line in printed(LAYOUTS[layout](table), pid=pid, thread=thread)]


# The read between GPUs, as published logs of machines with RDMA and GPUDirect show it.
RDMA = Table(
    (
        ("0", "copy-out", "rc_mlx5/ibp1:1/path0"),
        ("1..64", "software emulation", "rc_mlx5/ibp1:1/path0"),
        ("65..inf", "zero-copy", "rc_mlx5/ibp1:1 50% on path0 and 50% on path1"),
    )
)
TCP = Table((("0..inf", "software emulation", "tcp/eth0"),))
