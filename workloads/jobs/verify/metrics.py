"""Reads the counters of workers from Prometheus' text format.

The parser is this program's own, because prometheus_client rejects the whole text for one invalid line. This one skips
the line, takes time linear in the text whatever its content, and needs only the standard library.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .clock import Deadline
from .web import UnreachableError, lines, opened

REQUESTS_SERVED = "dynamo_component_requests_total"
# A worker counts its other endpoints (KV queries, clearing) in the same family.
SERVING_ENDPOINT = "generate"
# The roles' names in Dynamo's metrics: decode and aggregated workers both register as `backend`.
COMPONENT = {"prefill": "prefill", "decode": "backend", "worker": "backend"}

# Time limit for one request of a model list or of metrics; a server answers both from memory.
GLANCE_SECONDS = 5.0
POLL_SECONDS = 0.25
ATTEMPTS = 3
# The metrics of a busy worker are about 300 KB, some 3,000 lines of 100 bytes.
MAX_BYTES = 2 * 2**20
MAX_LINES = 30_000
LONGEST_LINE = 16 * 2**10

_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+-?\d+)?\s*")
# Of Prometheus' text format: a client library announces a family although it has no samples of it yet.
_ANNOUNCED = re.compile(r"# TYPE (?P<name>[a-zA-Z_:][\w:]*) (?P<kind>\w+)\s*")
_LABEL = re.compile(r'\s*([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"\s*,?')


@dataclass(frozen=True)
class Series:
    """A counter: the sum of a family's samples that have these labels."""

    family: str
    labels: tuple[tuple[str, str], ...] = ()


# The value of each requested series in one reading of a worker's metrics. A series without samples is absent.
Counters = Mapping[Series, float]


def requests_of(role: str) -> Series:
    """The counter of requests that a worker of this role has served since it started."""
    labels = {"dynamo_component": COMPONENT[role], "dynamo_endpoint": SERVING_ENDPOINT}
    return Series(REQUESTS_SERVED, tuple(labels.items()))


def counters(page: Iterable[str], asked: Collection[Series], deadline: Deadline) -> Counters:
    """The requested series in lines of Prometheus' text format, found in one pass.

    A counter that is announced and has no samples is 0: one with labels has none before it counts.

    Raises UnreachableError for too many lines, and at the deadline.
    """
    families = tuple({series.family for series in asked})
    found: dict[Series, float] = {}
    for number, line in enumerate(page):
        if number == MAX_LINES:
            raise UnreachableError(f"its metrics have more than {MAX_LINES} lines")
        for series in _announced(line, asked) if line.startswith("# TYPE ") else ():
            found.setdefault(series, 0.0)
        if not line.startswith(families) or not (sample := _sample(line)):
            continue
        if deadline.left() == 0:
            raise UnreachableError("its metrics were not read in time")
        family, labels, value = sample
        for series in asked:
            if series.family == family and labels.items() >= dict(series.labels).items():
                found[series] = found.get(series, 0.0) + value
    return found


def _announced(line: str, asked: Collection[Series]) -> Iterator[Series]:
    """The requested series of the family that a line announces: of a histogram its sums and counts."""
    if match := _ANNOUNCED.fullmatch(line):
        ends = ("_sum", "_count") if match["kind"] in ("histogram", "summary") else ("",)
        names = {match["name"] + end for end in ends}
        yield from (series for series in asked if series.family in names and not series.labels)


def _sample(line: str) -> tuple[str, dict[str, str], float] | None:
    """Name, labels and value of a sample; None if the line is no sample."""
    if not (match := _SAMPLE.fullmatch(line)):
        return None
    try:
        value = float(match["value"])
    except ValueError:
        return None
    return match["name"], dict(_labels(match["labels"] or "")), value


def _labels(text: str) -> Iterator[tuple[str, str]]:
    """The labels of a sample. Matching each right behind the previous one keeps the time linear."""
    position = 0
    while match := _LABEL.match(text, position):
        yield match[1], _unescaped(match[2])
        position = match.end()


def _unescaped(raw: str) -> str:
    return re.sub(r"\\(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], raw)


def counted(found: Counters, series: Series) -> float | None:
    """The value of a series; None if it has no samples.

    Raises UnreachableError if the value is NaN or infinite, because no counter is.
    """
    value = found.get(series)
    if value is not None and not math.isfinite(value):
        raise UnreachableError(f"{series.family} is not a number")
    return value


def requests_served(found: Counters, role: str) -> int:
    """The number of requests that a worker of this role has served; the counter appears with the first request."""
    return int(counted(found, requests_of(role)) or 0.0)


def metrics_of(addresses: Sequence[str], asked: Collection[Series], deadline: Deadline) -> dict[str, Counters]:
    """Counters by address, all read at the same time; an address that does not answer in time is omitted."""
    found: dict[str, Counters] = {}

    def read(address: str) -> None:
        for _ in range(ATTEMPTS):
            try:
                found[address] = _read(address, asked, deadline.within(GLANCE_SECONDS))
                return
            except UnreachableError:
                time.sleep(min(POLL_SECONDS, deadline.left()))

    threads = [threading.Thread(target=read, args=(address,), daemon=True) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(deadline.left())
    return dict(found)


def _read(address: str, asked: Collection[Series], deadline: Deadline) -> Counters:
    with opened(address, deadline, limit=MAX_BYTES) as response:
        if response.status != 200:
            raise UnreachableError(f"HTTP {response.status}")
        return counters(lines(response, LONGEST_LINE), asked, deadline)
