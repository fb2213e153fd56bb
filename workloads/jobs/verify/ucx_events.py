"""Events that the parser finds in a worker's log: UCX's protocol tables, refusals, and damaged lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """A process that writes into the log. An engine with several ranks has several."""

    host: str
    pid: int


@dataclass(frozen=True)
class Row:
    """UCX's protocol for one range of message sizes, in bytes. `end` is None for infinity."""

    start: int
    end: int | None
    estimated: bool
    description: str
    config: str


@dataclass(frozen=True)
class Table:
    """A protocol table: UCX's choice for one operation on one kind of endpoint."""

    process: Process
    endpoint: str
    """`self`, `intra-node` or `inter-node`; empty if the title has none of them."""
    operation: str
    rows: tuple[Row, ...]
    whole: bool
    """Whether every line was read, from the first to the last rule."""
    counts: bool = False
    """Whether UCX printed the table at its exit with usage counts (`UCX_PROTO_INFO=used`), not at its choice."""


@dataclass(frozen=True)
class Refusal:
    """UCX found no protocol for a read or write, and the operation failed."""

    process: Process
    operation: str
    """`read` or `write`."""
    local: str
    remote: str


@dataclass(frozen=True)
class Seen:
    """UCX's first line in a process, even if it is not part of a table."""

    process: Process


@dataclass(frozen=True)
class Damage:
    """Lines of a table that cannot be reassembled; `process` is None if it is unknown."""

    process: Process | None
    what: str


Event = Table | Refusal | Seen | Damage
