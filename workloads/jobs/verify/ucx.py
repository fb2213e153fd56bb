"""Parser of UCX's protocol tables in a worker's log, as UCX 1.17 to 1.22 print them.

Up to 1.21 the title is one row of two cells and every line is a print of its own, so threads and processes interleave
by line. From 1.22 the title is two rows over the full width, then a header follows. Lines are told apart by their
prefix `[seconds] [host:pid:thread]`. Only a prefix at the beginning of a line counts: behind other text it may be part
of a prompt that a worker logged, or of two lines glued together, so there it is damage. The parser keeps one open table
per thread and nothing else, so a log of any length takes bounded memory.

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

# A worker has a few threads per rank; more streams than this is not a worker's log.
MAX_STREAMS = 4096
# UCX pads a table to its longest title and Config, some 300 characters. What is longer is cut, hence no whole line.
LONGEST_LINE = 1000
# Rows of one table; UCX prints fewer than ten.
MAX_ROWS = 256

# ASCII: UCX prints no other digits, and int() takes those of any script.
_PREFIX = re.compile(r"\[\d+\.\d+\] \[(?P<host>[^\[\]:\s]*):(?P<pid>\d+) *:(?P<thread>[^\[\]\s]*)\]", re.ASCII)
# What `kubectl logs` puts in front of a line, with --prefix and with --timestamps.
_STAMP = re.compile(
    r"(?:\[pod/[\w./-]+\] )?(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) )?", re.ASCII
)
# Progress bars go back to the start of their line instead of ending it, so a line of UCX may follow one.
_PROGRESS = re.compile(
    r" *|[^\[\]|'\"]{0,200}\d{1,3}%\|[^\[\]|]{0,400}\| {0,9}[^\s/]{1,20}/[^\s/]{1,20} \[[^\[\]]{0,100}\] {0,200}",
    re.ASCII,
)
_MESSAGE = re.compile(r"[\w.+-]+:\d+ +UCX +[A-Z]+ ", re.ASCII)
# Colors of a terminal.
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
# A prefix that was cut; its seconds are those of an epoch, so that no other number in brackets is taken for one.
_CUT_PREFIX = re.compile(r"\[\d{9,}(?:\.\d*(?:\](?: (?:\[[^\[\]\s]*(?: *:[^\[\]\s]*)?)?)?)?)?$", re.ASCII)
_RULE = re.compile(r"\+(?:-+\+)+")
_PART_OF_RULE = re.compile(r"\|[ |]*\+(?:-+\+)+")
_SIZE = r"(\d{1,20})([KMGTPE]?)"
# `used` tables up to 1.21 have the count in front of the range, in the same cell.
_RANGE = re.compile(rf"(?:\d+ +)?{_SIZE}(?:\.\.(?:{_SIZE}|(inf)))?", re.ASCII)
_COUNTED = re.compile(r"\d+ +\d", re.ASCII)
_ENDPOINT = re.compile(r".*?(?P<kind>\S+) cfg#\d+", re.ASCII)
_TABLE_WORDS = re.compile(
    r"cfg#\d|remote memory|memory (?:read|write)|ucp_(?:get|put)|\bby ucp_|into (?:cuda|rocm)", re.IGNORECASE
)
# The end of a row, of UCX's own transports only: others print tables into the same log, with paths in them.
_LANE_AT_END = re.compile(
    r"(?:(?<![\w/])(?:rc|dc|gga|ud|tcp|self|sysv|posix|cma|knem|xpmem|cuda|gdr|rocm)(?:_\w+)?/[^\s/|,]+(?:/path\d+)?"
    r"|\d% on path\d+)\s*\|\s*$"
)
# A get goes into local memory from remote, a put from local memory to remote. Refused puts as in the sources: not seen.
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
    """The tables of one log, line by line."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str, str], _Stream] = {}
        self._overfull = False

    def feed(self, line: str) -> Iterator[Event]:
        """What a line of the log, without its end, completes."""
        alone, front = True, _STAMP
        for piece in _ANSI.sub("", line).split("\r"):
            found = list(_PREFIX.finditer(piece))
            begins = bool(found and alone and front.fullmatch(piece, 0, found[0].start()))
            yield from self._piece(piece, found, begins=begins)
            alone, front = alone and bool(front.fullmatch(piece)), _PROGRESS

    def close(self) -> Iterator[Event]:
        """The tables that are still open where the log ends."""
        for stream in self._streams.values():
            yield from stream.close()

    def _piece(self, text: str, found: Sequence[re.Match[str]], *, begins: bool) -> Iterator[Event]:
        before = text[: found[0].start()] if found else text
        if _LANE_AT_END.search(before[-LONGEST_LINE:]):
            yield Damage(None, "lines of several processes are glued together")
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
                yield Damage(stream.process, "a line of UCX stands in mid-line, behind other text")

    def _stream(self, prefix: re.Match[str]) -> Generator[Event, None, _Stream | None]:
        """The thread that wrote a line, by the line's prefix; None where too many threads write."""
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
    """Behind a rule, where a title is expected."""
    COLUMNS = auto()
    """Behind the title of 1.22, where the names of the columns are expected."""
    ROWS = auto()
    OTHER = auto()
    """In a table that is no protocol table, such as the list of transports."""


@dataclass
class _Stream:
    """The lines of one thread, put together to tables."""

    process: Process
    state: _State = _State.IDLE
    begun: bool = False
    """In HEAD: whether a rule opened it, and not the end of a table before it."""
    head: list[list[str]] = field(default_factory=list[list[str]])
    endpoint: str = ""
    operation: str = ""
    columns: int = 0
    """How many columns a row has; 0 as long as their names are still to come."""
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
        """Whether this is, or may be, a table of another kind. Those end in a blank line and have partial rules."""
        return self.state is _State.OTHER or (self.state is _State.HEAD and not self.begun)

    def _break(self) -> Iterator[Event]:
        """A line that is cut or glued. In a table with a title, the table is not whole; elsewhere any may be lost."""
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
                # Without rows, UCX may have printed no rule at the end: then this one opens the next table.
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
                yield Damage(self.process, "the title of a table is not whole")
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
                    yield Damage(self.process, "rows of a table stand without its title")
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
    """Whether the rows follow on each other from 0 to infinity."""
    expected: int | None = 0
    for row in rows:
        if expected is None or row.start != expected or (row.end is not None and row.end < row.start):
            return False
        expected = None if row.end is None else row.end + 1
    return bool(rows) and expected is None
