"""Judges the transport by which a worker reads or writes KV cache in a peer's memory, from UCX's tables in its log.

A table shows what UCX chose for a kind of endpoint, but not that any bytes moved. NIXL's counters show the bytes, and
have their own verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from .outcome import Outcome
from .ucx import Parser, without_gaps
from .ucx_events import Damage, Event, Process, Refusal, Row, Seen, Table
from .untrusted import plain


class Transport(StrEnum):
    """The transport that the stack declares for the KV cache."""

    RDMA = "rdma"
    TCP = "tcp"


RDMA_LANES = frozenset(("rc_mlx5", "dc_mlx5", "rc_verbs", "gga_mlx5"))
# Copies between two GPUs of one node, over NVLink or PCIe: fast, but not RDMA.
GPU_LANE = "cuda_ipc"
TCP_LANE = "tcp"
# UCX's other transports: the network stack, shared memory, datagrams, staging copies.
_OTHER_LANES = re.compile(r"tcp|self|sysv|posix|cma|knem|xpmem|mm|ud|ud_\w+|\w+_copy|(?!cuda_)\w+_ipc")
# Descriptions of protocols that involve the CPU or a host buffer.
_STAGED = re.compile(r"emulation|copy-in|copy-out|frag|pipeline|\w_copy", re.IGNORECASE)
ZERO_COPY = "zero-copy"

# Rows below this size do not describe KV cache: rc does no zero-copy read that fits into a completion.
BULK_BYTES = 2048
# UCX keeps 127 characters of a Config and drops the rest without a mark.
CONFIG_CHARACTERS = 127

GPU_MEMORY = frozenset(("cuda", "cuda-managed", "rocm", "rocm-managed"))
_OTHER_MEMORY = frozenset(("host", "rdma", "ze-host", "ze-device", "ze-managed", "gaudi"))
# The parts of a title between the operation and the memories: attributes, then the layout of the local buffer.
_ATTRIBUTES = r"(?:\([\w|-]+\))?"
_LOCAL = r"(?:(?:iov|strided|generic)(?:\[\d+\])? )?(?P<local>[\w-]+)(?:/\S+| memory)?"
_REMOTE = r"(?P<remote>[\w-]+)(?:/\S+| memory)?"


def _other(rma: str, without: str) -> re.Pattern[str]:
    """Matches titles of UCX's other operations, which must not contain the judged one (`without`)."""
    return re.compile(
        r"(?:(?:synchronous )?tagged message by ucp_tag_send(?:_sync)?\*"
        r"|active message by ucp_am_send\*(?: with reply flag)?"
        rf"|stream message by ucp_stream_send\*|{rma}|rendezvous data (?:send|fetch|drop)"
        r"|(?:posted atomic|fetching atomic|atomic compare-and-swap) by ucp_atomic_op\*)"
        rf"{_ATTRIBUTES}(?: (?!.*(?:{without})).*)?",
        re.ASCII,
    )


# The titles of an operation's tables, and those of the other operations.
_TITLES = {
    "read": re.compile(rf"remote memory read by ucp_get\*{_ATTRIBUTES} into {_LOCAL} from {_REMOTE}", re.ASCII),
    "write": re.compile(rf"remote memory write by ucp_put\*{_ATTRIBUTES} from {_LOCAL} to {_REMOTE}", re.ASCII),
}
_OTHERS = {
    "read": _other(r"remote memory write by ucp_put\*", "ucp_get|memory read"),
    "write": _other(r"remote memory read by ucp_get\*", "ucp_put|memory write"),
}
OPERATIONS = tuple(_TITLES)

# ASCII, as UCX prints; int() would accept digits of any script.
_LANE = r"[a-z][a-z0-9_]*/[\w.:@+-]+"
_ONE_LANE = re.compile(rf"(?P<lane>{_LANE})(?:/path\d+)?", re.ASCII)
_SHARE = re.compile(rf"(?P<percent>\d{{1,3}})% on (?P<lane>{_LANE})(?:/path\d+)?", re.ASCII)
_PATHS = re.compile(
    rf"(?P<lane>{_LANE}) (?P<shares>\d{{1,3}}% on path\d+(?:(?:,| and|, and) \d{{1,3}}% on path\d+)+)", re.ASCII
)
_NAMES = re.compile(r"(?<![\w/:])([a-z][a-z0-9_]*)/")

TCP_ADVICE = "check UCX_IB_ROCE_REACHABILITY_MODE, LD_LIBRARY_PATH and the pods' NICs (docs/rdma.md)"
NO_TABLE_ADVICE = (
    "check that the pod served a request, that UCX_PROTO_INFO and UCX_LOG_FILE=stderr are set (a buffered stdout "
    "withholds the table), and that the log was not rotated"
)


@dataclass(frozen=True)
class Finding:
    """The verdict on the log of one pod."""

    outcome: Outcome
    reason: str


@dataclass
class Judge:
    """Collects the parser's events of one log, keeps only counts, and gives the verdict at the end."""

    expected: Transport
    operation: str = "read"
    """How the worker accesses a peer's memory: one of OPERATIONS."""
    ranks: int | None = None
    """Number of processes that must have a table; None if not given."""
    lanes: set[str] = field(default_factory=set[str])
    movers: set[Process] = field(default_factory=set[Process])
    """The processes with a table of the operation between GPUs."""
    processes: set[Process] = field(default_factory=set[Process])
    """The processes with any line of UCX."""
    refused: list[str] = field(default_factory=list[str])
    doubts: list[str] = field(default_factory=list[str])

    def take(self, event: Event) -> None:
        match event:
            case Seen():
                self.processes.add(event.process)
            case Table():
                self._table(event)
            case Refusal():
                if event.operation == self.operation and {event.local, event.remote} & GPU_MEMORY:
                    self._refuse(f"UCX refused to {_refused(event)}")
            case Damage():
                self.doubt(f"{event.what}{_of(event.process)}; UCX_LOG_FILE=stderr keeps lines whole")

    def doubt(self, why: str) -> None:
        """Records a reason why the transport is unknown. Keeps the first few, because one is enough."""
        if len(self.doubts) < 4:
            self.doubts.append(why)

    def _refuse(self, why: str) -> None:
        if len(self.refused) < 4:
            self.refused.append(why)

    def _table(self, table: Table) -> None:
        if table.endpoint == "self" or _OTHERS[self.operation].fullmatch(table.operation):
            return
        match = _TITLES[self.operation].fullmatch(table.operation)
        memories = {match["local"], match["remote"]} if match else set[str]()
        if not memories or memories - GPU_MEMORY - _OTHER_MEMORY:
            self.doubt(f"the title {_quoted(table.operation)} is not known")
            return
        if not memories <= GPU_MEMORY:
            return
        self.movers.add(table.process)
        if not table.endpoint:
            self.doubt("a table names none of self, intra-node and inter-node")
        for row in table.rows:
            if row.end is None or row.end >= BULK_BYTES:
                self._row(row, table.endpoint)
        if not table.whole or not without_gaps(table.rows):
            self.doubt(f"a table is cut{_of(table.process)}")
        if table.counts:
            self.doubt(f"UCX_PROTO_INFO=used lists only used protocols; set it to 'remote memory {self.operation}*'")

    def _row(self, row: Row, endpoint: str) -> None:
        found = parsed_lanes(row.config)
        names = set(_NAMES.findall(row.config))
        shown = f"{_quoted(row.description)} on {_quoted(row.config)}"
        if self.expected is Transport.RDMA and (_STAGED.search(row.description) or any(map(_is_other, names))):
            self._refuse(f"{self.operation}s of KV cache are {shown}, not {ZERO_COPY} over RDMA")
        elif self.expected is Transport.TCP and any(name != TCP_LANE and _is_known(name) for name in names):
            self._refuse(f"kvTransfer is tcp, and {self.operation}s of KV cache are {shown}")
        elif row.estimated:
            self.doubt(f"a row is UCX's estimate of the other side: (?) {shown}")
        elif row.description != ZERO_COPY and not (self.expected is Transport.TCP and _STAGED.search(row.description)):
            self.doubt(f"the description {_quoted(row.description)} is not known")
        elif len(row.config) >= CONFIG_CHARACTERS or found is None or found.percent != 100:
            self.doubt(f"the lanes {_quoted(row.config)} are cut or not known")
        elif any(not _is_known(name) for name in found.names):
            self.doubt(f"a transport of {_quoted(row.config)} is not known")
        elif GPU_LANE in found.names and endpoint != "intra-node":
            self.doubt(f"{GPU_LANE} appears on an endpoint of another node")
        else:
            self.lanes |= found.names

    def conclude(self) -> Finding:
        """The verdict on all events so far. A wrong transport outweighs an unclear one."""
        if self.refused:
            advice = TCP_ADVICE if self.expected is Transport.RDMA else "remove kvTransfer: tcp, or check UCX_TLS"
            return Finding(Outcome.NOT_VERIFIED, f"{self.refused[0]}; {advice}")
        if self.doubts:
            return Finding(Outcome.UNKNOWN, "; ".join(dict.fromkeys(self.doubts)))
        table = f"a table of a {self.operation} between GPUs"
        if not self.movers:
            return Finding(Outcome.UNKNOWN, f"the log has no {table.removeprefix('a ')}; {NO_TABLE_ADVICE}")
        without, movers = len(self.processes - self.movers), len(self.movers)
        if self.ranks is None and without:
            missing = f"{without} of {len(self.processes)} processes with lines of UCX have no table of such a "
            why = f"{missing}{self.operation}; {NO_TABLE_ADVICE}; --ranks sets how many must have one"
            return Finding(Outcome.UNKNOWN, why)
        if self.ranks is not None and movers < self.ranks:
            return Finding(Outcome.UNKNOWN, f"{movers} of {self.ranks} ranks have {table}; {NO_TABLE_ADVICE}")
        if self.ranks is not None and movers > self.ranks:
            more = f"{movers} processes have {table}, but a pod has {self.ranks} ranks"
            return Finding(Outcome.UNKNOWN, f"{more}; check --ranks, and that the file is the log of one container")
        return Finding(Outcome.VERIFIED, self._summary())

    def _summary(self) -> str:
        count = len(self.movers)
        who = f"{count} of {self.ranks} ranks" if self.ranks else f"{count} process{'es' if count > 1 else ''}"
        rdma = ", ".join(sorted(self.lanes & RDMA_LANES))
        ways = [f"{rdma} (RDMA)"] if rdma else []
        if GPU_LANE in self.lanes:
            ways.append(f"{GPU_LANE} (NVLink or PCIe within the node, not RDMA)")
        if TCP_LANE in self.lanes:
            ways.append("tcp, as kvTransfer declares (slow)")
        unchecked = "" if self.ranks else "; their number is not checked without --ranks"
        verb = f"{self.operation}{'s' if count == 1 and not self.ranks else ''}"
        return f"{who} {verb} KV cache over {' and '.join(ways)}{unchecked}"


@dataclass(frozen=True)
class Lanes:
    """The transports of a Config, and the sum of their shares."""

    names: frozenset[str]
    percent: int


def parsed_lanes(config: str) -> Lanes | None:
    """The lanes of a Config: one lane, shares of lanes, or shares of one lane's paths. None for anything else."""
    if match := _ONE_LANE.fullmatch(config):
        return Lanes(frozenset((_name(match["lane"]),)), 100)
    if match := _PATHS.fullmatch(config):
        percents = re.findall(r"(\d+)%", match["shares"])
        return Lanes(frozenset((_name(match["lane"]),)), sum(map(int, percents)))
    shares = [_SHARE.fullmatch(part) for part in re.split(r", and |, | and ", config)]
    if len(shares) < 2 or not all(shares):
        return None
    known = [share for share in shares if share]
    return Lanes(frozenset(_name(s["lane"]) for s in known), sum(int(s["percent"]) for s in known))


def _refused(refusal: Refusal) -> str:
    if refusal.operation == "read":
        return f"read {refusal.remote} memory into {refusal.local} memory"
    return f"write {refusal.local} memory to {refusal.remote} memory"


def _name(lane: str) -> str:
    return lane.partition("/")[0]


def _is_other(name: str) -> bool:
    return bool(_OTHER_LANES.fullmatch(name))


def _is_known(name: str) -> bool:
    return name in RDMA_LANES or name == GPU_LANE or _is_other(name)


def _of(process: Process | None) -> str:
    return f" (process {process.pid} of {plain(process.host, 40)})" if process else ""


def _quoted(words: str) -> str:
    return f'"{plain(words, 140)}"'


def judge_log(lines: Iterable[str], expected: Transport, ranks: int | None = None, operation: str = "read") -> Finding:
    """The verdict on a log, which is read once, line by line."""
    parser, judge = Parser(), Judge(expected, operation, ranks)
    for line in lines:
        for event in parser.feed(line):
            judge.take(event)
    for event in parser.close():
        judge.take(event)
    return judge.conclude()
