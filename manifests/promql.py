"""The PromQL that tiles and alerts are made of: whose series are meant, and over which time they are taken."""

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.engines import Engine
from planning.types import Graph, Plan

# Labels that collection puts on every series of a graph's pods; workloads/monitoring.py takes them from the pods.
GRAPH = "graph"
ROLE = "role"

# Twenty samples at the interval of collection: smooth enough to read, short enough to see a change.
WINDOW = "5m"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The series of one stack. A project may hold several, in clusters of their own or in one existing cluster."""

    cluster: str
    namespace: str

    def where(self, **labels: str | tuple[str, ...]) -> str:
        """`{cluster="…",namespace="…"}` with more labels: a text must be equal, a tuple gives the choices.

        Choices become one regular expression, which Prometheus anchors at both ends.
        """
        given = {"cluster": self.cluster, "namespace": self.namespace, **labels}
        matchers = (
            f'{label}="{value}"' if isinstance(value, str) else f'{label}=~"{"|".join(value)}"'
            for label, value in given.items()
        )
        return f"{{{','.join(matchers)}}}"

    def rate(self, counter: str, by: str, *, window: str = WINDOW, **labels: str | tuple[str, ...]) -> str:
        """What a counter gains in a second, summed by labels."""
        return f"sum by ({by}) (rate({counter}{self.where(**labels)}[{window}]))"

    def increase(self, counter: str, by: str, *, window: str = WINDOW, **labels: str | tuple[str, ...]) -> str:
        """What a counter gained within the window, summed by labels."""
        return f"sum by ({by}) (increase({counter}{self.where(**labels)}[{window}]))"

    def quantile(self, share: float, histogram: str, by: str, *, window: str = WINDOW) -> str:
        """The value that this share of a histogram's observations stays below; NaN where there were none."""
        buckets = self.rate(f"{histogram}_bucket", f"{by}, le", window=window)
        return f"histogram_quantile({share}, {buckets})"

    def mean(self, histogram: str, by: str) -> str:
        """The mean of a histogram's observations."""
        return f"{self.rate(f'{histogram}_sum', by)} / {self.rate(f'{histogram}_count', by)}"

    def gauge(self, operator: str, gauge: str, by: str, **labels: str | tuple[str, ...]) -> str:
        """A gauge taken together by labels: `sum`, `max`, `min` or `avg`."""
        return f"{operator} by ({by}) ({gauge}{self.where(**labels)})"


def scope(plan: Plan) -> Scope:
    return Scope(cluster=plan.cluster.name or "", namespace=plan.namespace)


def graphs_by_engine(graphs: Iterable[Graph]) -> dict[Engine, tuple[str, ...]]:
    """The graphs' names by the engine that they run: each engine has names of its own for its series."""
    found: dict[Engine, tuple[str, ...]] = {}
    for graph in graphs:
        found[graph.runs] = (*found.get(graph.runs, ()), graph.name)
    return found


def line(name: str, query: str) -> str:
    """A query whose series carry the label `line`, so that they can be told from the others of their chart."""
    return f'label_replace({query}, "line", "{name}", "", "")'
