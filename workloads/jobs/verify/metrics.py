"""Counters of workers in Prometheus' text format.

The parser is this program's own: it passes over a line that is no sample, where prometheus_client gives up the whole
text, takes time that grows with the text whatever it says, and needs no package besides Python.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Sequence

from .clock import Deadline
from .web import UnreachableError, fetch

REQUESTS_SERVED = "dynamo_component_requests_total"
# A worker counts its side endpoints (KV queries, clearing) in the same family.
SERVING_ENDPOINT = "generate"
# Names of the roles in Dynamo's metrics: decode and aggregated workers both register as `backend`.
COMPONENT = {"prefill": "prefill", "decode": "backend", "worker": "backend"}

# One look at a model list or at metrics; both are answered from memory.
GLANCE_SECONDS = 5.0
POLL_SECONDS = 0.25
ATTEMPTS = 3

_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+-?\d+)?\s*")
_LABEL = re.compile(r'\s*([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"\s*,?')


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Name, labels and value of each sample in Prometheus' text format. Lines that are none are passed over."""
    for line in text.splitlines():
        if line.startswith("#") or not (match := _SAMPLE.fullmatch(line)):
            continue
        try:
            value = float(match["value"])
        except ValueError:
            continue
        yield match["name"], dict(_labels(match["labels"] or "")), value


def _labels(text: str) -> Iterator[tuple[str, str]]:
    """Each label follows the one before it: searching for it anywhere takes time that grows with the square."""
    position = 0
    while match := _LABEL.match(text, position):
        yield match[1], _unescaped(match[2])
        position = match.end()


def _unescaped(raw: str) -> str:
    return re.sub(r"\\(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], raw)


def counted(text: str, family: str, **labels: str) -> float | None:
    """The sum over the family's samples with these labels; None where there are none.

    Raises UnreachableError if a value is NaN or infinite, which no counter is.
    """
    values = [value for name, given, value in samples(text) if name == family and labels.items() <= given.items()]
    if not math.isfinite(sum(values)):
        raise UnreachableError(f"{family} is not a number")
    return sum(values) if values else None


def total(text: str, family: str, **labels: str) -> float:
    """As `counted`, for a family of Dynamo's own, which appears with its first event: absent is 0."""
    return counted(text, family, **labels) or 0.0


def requests_served(text: str, role: str) -> int:
    """Requests that a worker of this role has served since it started, out of its metrics."""
    return int(total(text, REQUESTS_SERVED, dynamo_component=COMPONENT[role], dynamo_endpoint=SERVING_ENDPOINT))


def metrics_of(addresses: Sequence[str], deadline: Deadline) -> dict[str, str]:
    """Metrics text by address; an address that does not answer in time is left out."""
    found: dict[str, str] = {}
    for address in addresses:
        for _ in range(ATTEMPTS):
            try:
                status, text = fetch(address, deadline.within(GLANCE_SECONDS))
            except UnreachableError:
                time.sleep(min(POLL_SECONDS, deadline.left()))
                continue
            if status == 200:
                found[address] = text
                break
    return found
