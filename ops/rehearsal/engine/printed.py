"""The end of a rehearsal as text: the timeline, and what a fault led to."""

from typing import Any

from rich.console import Console

from ops.rehearsal.engine import timeline_table
from ops.rehearsal.engine.timeline import Timeline
from ops.report import printing

NOT_GOOGLES = "Durations are the rehearsal's, whose cloud answers at once; they say nothing about Google Cloud's."


def show(report: dict[str, Any]) -> None:
    """Prints what the JSON report of a rehearsal says."""
    if report["timeline"]:
        drawn = Timeline.from_wire(report["timeline"])
        printing.show(lambda console: _timeline(console, drawn), timeline_table.WIDTH)
    if report["converged"] is None:
        return
    print()
    if report["failed"]:
        print(f"failed: {report['failed']}")
    if report["struck"]:
        print(f"{len(report['struck'])} failed once")
    print("converged" if report["converged"] else "did not converge")


def _timeline(console: Console, drawn: Timeline) -> None:
    console.print()
    console.print(timeline_table.table(drawn))
    console.print()
    for sentence in timeline_table.sentences(drawn):
        console.print(sentence, soft_wrap=True)
    console.print(f"[dim]{NOT_GOOGLES}[/]", soft_wrap=True)
