"""The output of `status` in a terminal: of a healthy stack, and of one where a node is missing.

The clusters are those of the tests; what is printed about them is what the command prints.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.style import Style

from ops.diagnosis import Snapshot, diagnose
from ops.report import findings
from planning.types import Plan
from tests import clusters

WIDTH = 118


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """One command and its output."""

    title: str
    command: str
    lines: tuple[tuple[tuple[str, str], ...], ...]
    """Lines of (text, CSS classes)."""


def terminals(plan: Plan) -> tuple[Terminal, ...]:
    """`status` of the healthy stack, and while its reservation has no machine for the decode worker."""
    well = clusters.running(plan)
    return (
        _status("Healthy", plan, well),
        _status("The reservation has no machine for the decode worker", plan, _one_machine_less(plan, well)),
    )


def _one_machine_less(plan: Plan, well: Snapshot) -> Snapshot:
    elsewhere = "0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector."
    waiting = clusters.without(clusters.unplaced(well, "decode", elsewhere), "nodes", clusters.node_name("decode"))
    (reservation,) = {pool.purchase.reservation for pool in plan.gpu_pools if pool.purchase}
    why = (
        f"Node scale up in zones {plan.zone} associated with this pod failed: Reservation {reservation} does not have "
        "sufficient capacity for the requested resources. Pod is at risk of not being scheduled."
    )
    return clusters.with_events(waiting, clusters.event("Pod", clusters.pod_name("decode"), "FailedScaleUp", why))


def _status(title: str, plan: Plan, snapshot: Snapshot) -> Terminal:
    shown = findings.tree(plan, plan.cluster.context, diagnose(plan, plan.graphs, snapshot))
    console = Console(width=WIDTH, force_terminal=True, color_system="standard", highlight=False)
    lines = console.render_lines(shown, pad=False)
    return Terminal(
        title=title,
        command=f"./dynamo-gke status --stack {plan.stack}",
        lines=tuple(tuple((part.text, " ".join(_classes(part.style))) for part in line) for line in lines),
    )


def _classes(style: Style | None) -> Iterator[str]:
    if style:
        yield from (word for word, on in (("bold", style.bold), ("dim", style.dim)) if on)
        if style.color:
            yield style.color.name
