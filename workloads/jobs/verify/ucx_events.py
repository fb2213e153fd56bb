"""What a worker's log says of UCX: protocol tables, refusals, and lines that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """A process that writes into the log; one of several, if an engine has several ranks."""

    host: str
    pid: int


@dataclass(frozen=True)
class Row:
    """What UCX does with messages of one range of sizes, in bytes. `end` is None for infinity."""

    start: int
    end: int | None
    estimated: bool
    description: str
    config: str


@dataclass(frozen=True)
class Table:
    """A protocol table: what a worker chose for one operation on one kind of endpoint."""

    process: Process
    endpoint: str
    """`self`, `intra-node` or `inter-node`; empty if the title has none of them."""
    operation: str
    rows: tuple[Row, ...]
    whole: bool
    """Whether every line was read, from the first rule to the last."""
    counts: bool = False
    """Whether UCX printed it at its end with counts of uses (`UCX_PROTO_INFO=used`), not when it chose."""


@dataclass(frozen=True)
class Refusal:
    """UCX found no protocol for a read or a write, and failed it."""

    process: Process
    operation: str
    """`read` or `write`."""
    local: str
    remote: str


@dataclass(frozen=True)
class Seen:
    """The first line of a process of which UCX printed anything, be it no table."""

    process: Process


@dataclass(frozen=True)
class Damage:
    """Lines that belong to a table which cannot be put together; `process` is None where nobody can tell whose."""

    process: Process | None
    what: str


Event = Table | Refusal | Seen | Damage
