"""Builds the PromQL of tiles and alerts: the scope of the series, and the time window."""

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.engines import Engine
from planning.types import Graph, Plan

# Labels of every series of a graph's pods. workloads/monitoring.py copies them from the pods.
GRAPH = "graph"
ROLE = "role"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The series of one stack. A project may have several stacks, in their own clusters or in a shared one."""

    cluster: str
    namespace: str
    window: str
    """Of rates and increases."""

    def where(self, **labels: str | tuple[str, ...]) -> str:
        """`{cluster="…",namespace="…"}` with more labels. A text must be equal; a tuple lists alternatives.

        Alternatives become one regular expression, which Prometheus anchors at both ends.
        """
        given = {"cluster": self.cluster, "namespace": self.namespace, **labels}
        matchers = (
            f'{label}="{value}"' if isinstance(value, str) else f'{label}=~"{"|".join(value)}"'
            for label, value in given.items()
        )
        return f"{{{','.join(matchers)}}}"

    def rate(self, counter: str, by: str, **labels: str | tuple[str, ...]) -> str:
        """Increase of a counter per second, summed by labels."""
        return f"sum by ({by}) (rate({counter}{self.where(**labels)}[{self.window}]))"

    def increase(self, counter: str, by: str, **labels: str | tuple[str, ...]) -> str:
        """Increase of a counter within the window, summed by labels."""
        return f"sum by ({by}) (increase({counter}{self.where(**labels)}[{self.window}]))"

    def quantile(self, share: float, histogram: str, by: str) -> str:
        """A quantile of a histogram, the value below which this share of observations lies; NaN without any."""
        buckets = self.rate(f"{histogram}_bucket", f"{by}, le")
        return f"histogram_quantile({share}, {buckets})"

    def mean(self, histogram: str, by: str) -> str:
        """The mean of a histogram's observations."""
        return f"{self.rate(f'{histogram}_sum', by)} / {self.rate(f'{histogram}_count', by)}"

    def gauge(self, operator: str, gauge: str, by: str, **labels: str | tuple[str, ...]) -> str:
        """A gauge aggregated by labels with `sum`, `max`, `min` or `avg`."""
        return f"{operator} by ({by}) ({gauge}{self.where(**labels)})"


def scope(plan: Plan) -> Scope:
    return Scope(cluster=plan.cluster.name or "", namespace=plan.namespace, window=plan.collection.chart_window)


def graphs_by_engine(graphs: Iterable[Graph]) -> dict[Engine, tuple[str, ...]]:
    """Engine → names of its graphs. Each engine has its own names of series."""
    found: dict[Engine, tuple[str, ...]] = {}
    for graph in graphs:
        found[graph.runs] = (*found.get(graph.runs, ()), graph.name)
    return found


def line(name: str, query: str) -> str:
    """A query whose series get the label `line`, which distinguishes them from other series of the chart."""
    return f'label_replace({query}, "line", "{name}", "", "")'
