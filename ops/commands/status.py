"""`ops status`: what each graph of a stack waits for, as a tree or as JSON, once or until all are Ready."""

from collections.abc import Iterator
from itertools import groupby
from time import monotonic, sleep
from typing import Any

from rich.text import Text
from rich.tree import Tree

from ops.diagnosis import Cause, Finding, diagnose
from ops.diagnosis.read_cluster import Cluster
from ops.report import printing
from planning.types import Graph, Plan
from reading.errors import ConfigInvalid, Fault, one_of

# Seconds between two looks, and for how long: the operator gives a worker two hours to load its model.
WATCH_EVERY = 15.0
WATCH_FOR = 2 * 3600.0

_COLOURS = {Cause.READY: "green"} | dict.fromkeys(
    (Cause.LOADING, Cause.ROLLING, Cause.OLD_GENERATION, Cause.STALE_PEERS), "yellow"
)


def chosen(plan: Plan, graph: str | None) -> tuple[Graph, ...]:
    """The graphs to explain: all, or the one that is named. Raises ConfigInvalid for a name that is not there."""
    graphs = tuple(g for g in plan.graphs if graph in (None, g.name))
    if not graphs:
        raise ConfigInvalid([Fault("--graph", one_of(str(graph), [g.name for g in plan.graphs]))])
    return graphs


def looks(plan: Plan, graphs: tuple[Graph, ...], cluster: Cluster, *, watch: bool) -> Iterator[tuple[Finding, ...]]:
    """The findings now and, when watching, each time that they changed, until every graph is Ready or the time is over.

    Raises ClusterUnreadable.
    """
    before: tuple[Finding, ...] = ()
    until = monotonic() + (WATCH_FOR if watch else 0)
    while True:
        found = diagnose(plan, graphs, cluster.snapshot([graph.name for graph in graphs]))
        if found != before:
            yield found
        before = found
        if ready(found) or monotonic() + WATCH_EVERY > until:
            return
        sleep(WATCH_EVERY)


def ready(found: tuple[Finding, ...]) -> bool:
    return all(finding.cause is Cause.READY for finding in found)


def as_json(plan: Plan, context: str, found: tuple[Finding, ...], error: str | None = None) -> dict[str, Any]:
    """The findings, or why there are none: `error` is the sentence of a cluster that cannot be read."""
    return {
        "stack": plan.stack,
        "context": context,
        **({"error": error} if error else {}),
        "ready": error is None and ready(found),
        "findings": [
            {"graph": f.graph, "cause": f.cause.value, "message": f.message, "objects": list(f.objects)} for f in found
        ],
    }


def show(plan: Plan, context: str, found: tuple[Finding, ...]) -> None:
    """Prints the findings as a tree; when piped a sentence stays on one line, for those who search in it."""
    tree = _tree(plan, context, found)
    printing.show(lambda console: console.print(tree), piped_width=printing.ONE_LINE)


def _tree(plan: Plan, context: str, found: tuple[Finding, ...]) -> Tree:
    tree = Tree(Text.assemble("stack ", (plan.stack, "bold"), f" · {context}"), guide_style="dim")
    for graph, findings in groupby(found, key=lambda finding: finding.graph):
        branch = tree.add(Text(graph, "bold"))
        for finding in findings:
            sentence = Text.assemble((finding.cause.value, _COLOURS.get(finding.cause, "red")), f"  {finding.message}")
            branch.add(sentence).add(Text(", ".join(finding.objects), "dim"))
    return tree
