"""Findings of a stack's graphs, once or until all graphs are Ready."""

from collections.abc import Iterator
from time import monotonic, sleep

from ops.diagnosis import Cause, Finding, diagnose
from ops.diagnosis.read_cluster import Cluster
from planning.types import Graph, Plan
from reading.errors import ConfigInvalid, Error, one_of

# Seconds between reads, and in total: the operator gives a worker two hours to load its model.
WATCH_EVERY = 15.0
WATCH_FOR = 2 * 3600.0


def chosen(plan: Plan, graph: str | None) -> tuple[Graph, ...]:
    """All graphs, or the named one. Raises ConfigInvalid for an unknown name."""
    graphs = tuple(g for g in plan.graphs if graph in (None, g.name))
    if not graphs:
        raise ConfigInvalid([Error("--graph", one_of(str(graph), [g.name for g in plan.graphs]))])
    return graphs


def looks(plan: Plan, graphs: tuple[Graph, ...], cluster: Cluster, *, watch: bool) -> Iterator[tuple[Finding, ...]]:
    """The findings now and, when watching, after each change, until every graph is Ready or the time is over.

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
