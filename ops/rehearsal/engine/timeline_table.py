"""A timeline as a table of bars, 100 columns wide."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from ops.rehearsal.engine.events import short
from ops.rehearsal.engine.timeline import PHASES, Entry, Timeline

WIDTH = 100
_BAR = 28
_NAME = 38
_SHORTEST_SECONDS = 0.05
"""What is faster is counted, not shown."""


def table(timeline: Timeline, count: int = 24) -> Table:
    """The `count` longest resources and the critical path, by phase; ■ is on the critical path, □ is not."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    result.add_column("resource", width=_NAME, no_wrap=True)
    result.add_column("s", justify="right", width=5)
    result.add_column("", width=_BAR, no_wrap=True)
    result.add_column("waited for", width=WIDTH - _NAME - _BAR - 11, no_wrap=True)
    shown = {entry.urn for entry in longest(timeline, count)}
    for phase in PHASES:
        rows = [entry for entry in timeline.entries if entry.phase == phase]
        if not rows:
            continue
        result.add_row(f"[bold]{phase}[/]", *_span(rows, timeline.seconds))
        for entry in rows:
            if entry.urn in shown:
                result.add_row(*_row(entry, timeline.seconds))
        if hidden := len(rows) - sum(entry.urn in shown for entry in rows):
            result.add_row(f"  [dim]{hidden} more[/]", "", "", "")
    return result


def sentences(timeline: Timeline) -> Iterator[str]:
    """What the table adds up to."""
    parallel = f"up to {timeline.max_parallel} at the same time"
    yield f"{len(timeline.entries)} resources in {timeline.seconds:.1f} s, {parallel}; one by one {timeline.busy:.1f} s"
    path = timeline.critical_path
    work = sum(entry.seconds for entry in path)
    words = " → ".join(short(entry.urn) for entry in path)
    yield f"critical path, {work:.1f} s of work and {timeline.seconds - work:.1f} s of waiting for the engine: {words}"


def longest(timeline: Timeline, count: int) -> Sequence[Entry]:
    """The resources on the critical path, then the longest others, at most `count`."""
    by_time = sorted(timeline.entries, key=lambda entry: (not entry.critical, -entry.seconds))
    return [e for e in by_time if e.critical or e.seconds >= _SHORTEST_SECONDS][:count]


def _span(rows: Sequence[Entry], total: float) -> tuple[str, str, str]:
    began, ended = min(e.began for e in rows), max(e.ended for e in rows)
    return f"{ended - began:.1f}", f"[dim]{_bar(began, ended, total, '·')}[/]", ""


def _row(entry: Entry, total: float) -> tuple[str, str, str, str]:
    bar = _bar(entry.began, entry.ended, total, "■" if entry.critical else "□")
    waited = short(entry.waited_for) if entry.waited_for else ""
    return f"  {escape(short(entry.urn))}", f"{entry.seconds:.1f}", bar, escape(waited)


def _bar(began: float, ended: float, total: float, mark: str) -> str:
    """A bar over the whole time; what is shorter than a column still shows."""
    first = min(_BAR - 1, int(began / total * _BAR)) if total else 0
    last = min(_BAR, max(first + 1, round(ended / total * _BAR))) if total else 1
    return f"{' ' * first}{mark * (last - first)}"
