"""The timeline of a recorded rehearsal. `python -m tools.pictures.rehearsal` rehearses prod and records it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.rehearsal.engine.events import short
from ops.rehearsal.engine.timeline import PHASES, Entry, Timeline
from ops.rehearsal.engine.timeline_table import longest, sentences

STACK = "prod"
RECORD = Path(__file__).parent / "rehearsal.json"
SECONDS = 3600
_SHOWN = 28


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A phase or a resource: its name, and begin and length in percent of the whole time."""

    name: str
    kind: str
    """`phase`, `critical` or `other`."""
    begin: float
    length: float
    seconds: str
    remark: str


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    stack: str
    date: str
    bars: tuple[Bar, ...]
    ticks: tuple[int, ...]
    seconds: float
    sentence: str


def rehearsal() -> Rehearsal:
    """The picture's content."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    timeline = Timeline.from_wire(record["timeline"])
    return Rehearsal(
        stack=STACK,
        date=record["date"],
        bars=tuple(bar for phase in PHASES for bar in _bars(phase, timeline)),
        ticks=tuple(range(0, int(timeline.seconds) + 1, 10)),
        seconds=timeline.seconds,
        sentence=next(sentences(timeline)),
    )


def shown(timeline: Timeline) -> set[str]:
    """URNs of the resources that have a bar."""
    return {entry.urn for entry in longest(timeline, _SHOWN)}


def _bars(phase: str, timeline: Timeline) -> list[Bar]:
    rows = [entry for entry in timeline.entries if entry.phase == phase]
    if not rows:
        return []
    chosen = shown(timeline)
    began, ended = min(entry.began for entry in rows), max(entry.ended for entry in rows)
    count = f"{len(rows)} resources" if len(rows) > 1 else "1 resource"
    whole = _bar(phase, "phase", began, ended, timeline, count)
    return [whole, *(_entry(entry, timeline) for entry in rows if entry.urn in chosen)]


def _entry(entry: Entry, timeline: Timeline) -> Bar:
    waited = f"after {short(entry.waited_for)}" if entry.waited_for else ""
    kind = "critical" if entry.critical else "other"
    return _bar(short(entry.urn), kind, entry.began, entry.ended, timeline, waited)


def _bar(name: str, kind: str, began: float, ended: float, timeline: Timeline, remark: str) -> Bar:
    begin, length = (round(100 * part / timeline.seconds, 2) for part in (began, ended - began))
    return Bar(name=name, kind=kind, begin=begin, length=length, seconds=f"{ended - began:.1f}", remark=remark)


def record(found: Mapping[str, Any], date: str) -> str:
    """What is kept of a rehearsal's report."""
    kept = {"date": date, "timeline": found["timeline"]}
    return json.dumps(kept, indent=1, sort_keys=True) + "\n"


def main() -> int:
    command = [sys.executable, "-m", "ops", "rehearse", "--stack", STACK, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        print(f"error: the rehearsal of {STACK} failed; `make rehearse STACK={STACK}` shows why", file=sys.stderr)
        return 1
    RECORD.write_text(record(json.loads(done.stdout), f"{datetime.now(UTC):%Y-%m-%d}"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
