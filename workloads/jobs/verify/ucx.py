"""Parser of UCX's protocol tables in a worker's log, as UCX 1.17 to 1.22 print them.

Up to 1.21 the title is one row of two cells and UCX prints each line separately, so threads and processes interleave
by line. From 1.22 the title is two full-width rows, followed by a header. The prefix `[seconds] [host:pid:thread]`
tells which thread wrote a line. Only a prefix at the beginning of a line counts: after other text it may belong to a
prompt that a worker logged, or to two joined lines, so the parser reports damage. The parser keeps only one open table
per thread, so a log of any length takes bounded memory.

Sources: src/ucp/proto/proto_debug.c, proto_multi.c, proto_reconfig.c and src/ucs/debug/log.c of UCX; real logs of
1.21.0 and 1.22.0 are in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import zip_longest

from .ucx_events import Damage, Event, Process, Refusal, Row, Seen, Table

# A worker has a few threads per rank, so a log with more streams is not a worker's.
MAX_STREAMS = 4096
# UCX pads a table to its longest title and Config, about 300 characters. Longer lines are cut, so they never parse.
LONGEST_LINE = 1000
# Rows of one table; UCX prints fewer than ten.
MAX_ROWS = 256

# ASCII: UCX prints no other digits, but int() accepts those of any script.
_PREFIX = re.compile(r"\[\d+\.\d+\] \[(?P<host>[^\[\]:\s]*):(?P<pid>\d+) *:(?P<thread>[^\[\]\s]*)\]", re.ASCII)
# What `kubectl logs` adds before a line, with --prefix and with --timestamps.
_STAMP = re.compile(
    r"(?:\[pod/[\w./-]+\] )?(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) )?", re.ASCII
)
# Progress bars return to the start of their line instead of ending it, so a line of UCX may follow one.
_PROGRESS = re.compile(
    r" *|[^\[\]|'\"]{0,200}\d{1,3}%\|[^\[\]|]{0,400}\| {0,9}[^\s/]{1,20}/[^\s/]{1,20} \[[^\[\]]{0,100}\] {0,200}",
    re.ASCII,
)
_MESSAGE = re.compile(r"[\w.+-]+:\d+ +UCX +[A-Z]+ ", re.ASCII)
# Colors of a terminal.
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
# A cut prefix. Its seconds are a Unix time, so that no other number in brackets matches.
_CUT_PREFIX = re.compile(r"\[\d{9,}(?:\.\d*(?:\](?: (?:\[[^\[\]\s]*(?: *:[^\[\]\s]*)?)?)?)?)?$", re.ASCII)
_RULE = re.compile(r"\+(?:-+\+)+")
_PART_OF_RULE = re.compile(r"\|[ |]*\+(?:-+\+)+")
_SIZE = r"(\d{1,20})([KMGTPE]?)"
# `used` tables up to 1.21 have the count before the range, in the same cell.
_RANGE = re.compile(rf"(?:\d+ +)?{_SIZE}(?:\.\.(?:{_SIZE}|(inf)))?", re.ASCII)
_COUNTED = re.compile(r"\d+ +\d", re.ASCII)
_ENDPOINT = re.compile(r".*?(?P<kind>\S+) cfg#\d+", re.ASCII)
_TABLE_WORDS = re.compile(
    r"cfg#\d|remote memory|memory (?:read|write)|ucp_(?:get|put)|\bby ucp_|into (?:cuda|rocm)", re.IGNORECASE
)
# The end of a row, only with UCX's own transports: other libraries print tables with paths into the same log.
_LANE_AT_END = re.compile(
    r"(?:(?<![\w/])(?:rc|dc|gga|ud|tcp|self|sysv|posix|cma|knem|xpmem|cuda|gdr|rocm)(?:_\w+)?/[^\s/|,]+(?:/path\d+)?"
    r"|\d% on path\d+)\s*\|\s*$"
)
# A get reads remote into local memory, a put writes local to remote memory. Refused puts follow UCX's sources; unseen.
_REFUSED = re.compile(
    r"protocol found for (?P<operation>get into|put from) (?P<local>[\w-]+) (?:from|to) (?P<remote>[\w-]+)"
)
_UNSERVED = re.compile(
    r"cannot find remote protocol for: .*\| (?P<operation>[gp][eu]t)\S* (?:into|from) (?P<local>[\w-]+)\S*(?: memory)? "
    r"(?:from|to) (?P<remote>[\w-]+)"
)
_UNITS = {unit: 1024**power for power, unit in enumerate(("", *"KMGTPE"))}
_KINDS = ("self", "intra-node", "inter-node")
_HEADERS = (["Range", "Description", "Config"], ["Count", "Range", "Description", "Config"])


class Parser:
    """Parses the tables of one log, line by line."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str, str], _Stream] = {}
        self._overfull = False

    def feed(self, line: str) -> Iterator[Event]:
        """The events that a line of the log (without its end) completes."""
        alone, front = True, _STAMP
        for piece in _ANSI.sub("", line).split("\r"):
            found = list(_PREFIX.finditer(piece))
            begins = bool(found and alone and front.fullmatch(piece, 0, found[0].start()))
            yield from self._piece(piece, found, begins=begins)
            alone, front = alone and bool(front.fullmatch(piece)), _PROGRESS

    def close(self) -> Iterator[Event]:
        """The tables that are still open at the end of the log."""
        for stream in self._streams.values():
            yield from stream.close()

    def _piece(self, text: str, found: Sequence[re.Match[str]], *, begins: bool) -> Iterator[Event]:
        before = text[: found[0].start()] if found else text
        if _LANE_AT_END.search(before[-LONGEST_LINE:]):
            yield Damage(None, "lines of several processes are joined")
        elif _CUT_PREFIX.search(text[-LONGEST_LINE:]):
            yield Damage(None, "a line is cut in its prefix")
        for match, following in zip_longest(found, found[1:]):
            body = text[match.end() : following.start() if following else len(text)]
            stream = yield from self._stream(match)
            if stream is None:
                continue
            line = body[:LONGEST_LINE].strip(" ")
            if begins and match is found[0]:
                yield from stream.line(line)
            elif not _MESSAGE.match(line) or _refusal(line):
                yield Damage(stream.process, "a line of UCX follows other text on the same line")

    def _stream(self, prefix: re.Match[str]) -> Generator[Event, None, _Stream | None]:
        """The stream of the thread that wrote a line, by the line's prefix; None if there are too many threads."""
        key = (prefix["host"], prefix["pid"], prefix["thread"])
        if key not in self._streams:
            if len(self._streams) >= MAX_STREAMS or len(prefix["pid"]) > 20:
                if not self._overfull:
                    self._overfull = True
                    yield Damage(None, f"more than {MAX_STREAMS} threads write into it")
                return None
            self._streams[key] = _Stream(Process(prefix["host"], int(prefix["pid"])))
            yield Seen(self._streams[key].process)
        return self._streams[key]


class _State(Enum):
    IDLE = auto()
    HEAD = auto()
    """After a rule; a title is expected."""
    COLUMNS = auto()
    """After the title of 1.22; the column names are expected."""
    ROWS = auto()
    OTHER = auto()
    """In a table of another kind, such as the list of transports."""


@dataclass
class _Stream:
    """Assembles the lines of one thread into tables."""

    process: Process
    state: _State = _State.IDLE
    begun: bool = False
    """In HEAD: whether a rule opened it, rather than the end of the previous table."""
    head: list[list[str]] = field(default_factory=list[list[str]])
    endpoint: str = ""
    operation: str = ""
    columns: int = 0
    """Number of columns of a row; 0 until the column names are read."""
    counts: bool = False
    rows: list[Row] = field(default_factory=list[Row])
    broken: bool = False

    def line(self, text: str) -> Iterator[Event]:
        if text.startswith("+"):
            whole = bool(_RULE.fullmatch(text))
            if not whole:
                yield from self._break()
            yield from self._rule()
        elif text.startswith("|"):
            if text.endswith("|") and len(text) > 1:
                # Attributes of an operation are joined by a bare "|": `ucp_get*(fast-completion|multi)`.
                yield from self._cells([cell.strip(" ") for cell in text[1:-1].split(" | ")])
            elif not (self._in_other() and _PART_OF_RULE.fullmatch(text)):
                yield from self._break()
        elif match := _refusal(text):
            operation = "write" if match["operation"].startswith("put") else "read"
            yield Refusal(self.process, operation, match["local"], match["remote"])
        elif not text and not self._in_other() and self.state is not _State.IDLE:
            yield from self._break()

    def close(self) -> Iterator[Event]:
        if self.state in (_State.COLUMNS, _State.ROWS):
            yield self._table(whole=False)
        elif self.state is _State.HEAD and (self.head or self.begun):
            yield Damage(self.process, "the log ends in the title of a table")

    def _in_other(self) -> bool:
        """Whether this is, or may be, a table of another kind, which ends in a blank line and has partial rules."""
        return self.state is _State.OTHER or (self.state is _State.HEAD and not self.begun)

    def _break(self) -> Iterator[Event]:
        """Handles a cut or joined line: marks the table as incomplete, or reports damage outside a table."""
        if self.state in (_State.COLUMNS, _State.ROWS):
            self.broken = True
        else:
            yield Damage(self.process, "a line of a table is cut")

    def _rule(self) -> Iterator[Event]:
        match self.state:
            case _State.IDLE:
                self._expect_head(begun=True)
            case _State.OTHER:
                self._expect_head(begun=False)
            case _State.HEAD:
                if self.head:
                    yield from self._title()
                elif self.begun:
                    yield Damage(self.process, "the beginning of a table is missing")
                else:
                    self.begun = True
            case _State.COLUMNS:
                self.broken = self.broken or self.columns == 0
                self.state = _State.ROWS
            case _State.ROWS:
                yield self._table(whole=not self.broken)
                # After a table without rows UCX may print no closing rule, so this rule opens the next table.
                if self.rows:
                    self.state = _State.IDLE
                else:
                    self._expect_head(begun=False)

    def _expect_head(self, *, begun: bool) -> None:
        self.state, self.begun, self.head = _State.HEAD, begun, []

    def _title(self) -> Iterator[Event]:
        cells = [cell for line in self.head for cell in line]
        widths = [len(line) for line in self.head]
        match = _ENDPOINT.fullmatch(cells[0]) if widths in ([2], [1, 1]) else None
        if not match:
            if any(_TABLE_WORDS.search(cell) for cell in cells):
                yield Damage(self.process, "the title of a table is incomplete")
            self.state = _State.OTHER
            return
        self.endpoint = match["kind"] if match["kind"] in _KINDS else ""
        self.operation = cells[1]
        self.counts = self.broken = False
        self.rows = []
        self.columns, self.state = (3, _State.ROWS) if widths == [2] else (0, _State.COLUMNS)

    def _cells(self, cells: list[str]) -> Iterator[Event]:
        match self.state:
            case _State.ROWS:
                self._row(cells)
            case _State.COLUMNS:
                self.broken = self.broken or self.columns > 0 or cells not in _HEADERS
                self.columns, self.counts = len(cells), len(cells) == 4
            case _State.HEAD | _State.OTHER:
                if _is_row(cells):
                    yield Damage(self.process, "a table's rows have no title")
                if self.state is _State.HEAD:
                    self.head.append(cells)
                    if len(self.head) > 2:  # no title has three lines
                        yield from self._title()
            case _State.IDLE:
                yield Damage(self.process, "the beginning of a table is missing")

    def _row(self, cells: list[str]) -> None:
        row = _row(cells[1:] if self.columns == 4 else cells)
        if row is None or len(self.rows) >= MAX_ROWS:
            self.broken = True
        else:
            self.rows.append(row)
            self.counts = self.counts or bool(_COUNTED.match(cells[0]))

    def _table(self, *, whole: bool) -> Table:
        return Table(self.process, self.endpoint, self.operation, tuple(self.rows), whole, self.counts)


def _refusal(text: str) -> re.Match[str] | None:
    return _REFUSED.search(text) or _UNSERVED.search(text)


def _row(cells: Sequence[str]) -> Row | None:
    if len(cells) != 3 or (found := _range(cells[0])) is None:
        return None
    description = cells[1].removeprefix("(?)").strip()
    return Row(found[0], found[1], description != cells[1], description, cells[2])


def _range(text: str) -> tuple[int, int | None] | None:
    """Start and end: `0`, `1..64`, `2K..inf`."""
    match = _RANGE.fullmatch(text)
    if not match:
        return None
    start, unit, end, end_unit, infinite = match.groups()
    first = int(start) * _UNITS[unit]
    if infinite:
        return first, None
    return first, int(end) * _UNITS[end_unit] if end else first


def _is_row(cells: Sequence[str]) -> bool:
    return len(cells) in (3, 4) and any(_RANGE.fullmatch(cell) for cell in cells[:2])


def without_gaps(rows: Sequence[Row]) -> bool:
    """Whether the rows cover all sizes from 0 to infinity without gaps."""
    expected: int | None = 0
    for row in rows:
        if expected is None or row.start != expected or (row.end is not None and row.end < row.start):
            return False
        expected = None if row.end is None else row.end + 1
    return bool(rows) and expected is None
