"""An autoscaler in the simulated cluster: scales roles by their adapters, as a field manager of its own."""

from dataclasses import dataclass

from ops.rehearsal.engine.expectations import Replicas
from ops.rehearsal.faults.scene import wait_until
from ops.rehearsal.kube import Kube
from ops.rehearsal.platform import names
from planning.types import Plan


def one_more(plan: Plan) -> Replicas:
    """One engine more than the least, of each role that may have more."""
    return {
        (graph.name, worker.role.value): worker.replicas + 1
        for graph in plan.graphs
        for worker in graph.workers
        if worker.max_replicas > worker.replicas
    }


@dataclass(frozen=True, kw_only=True)
class Autoscaler:
    kube: Kube
    namespace: str
    """Of the graphs."""
    wanted: Replicas

    @property
    def graphs(self) -> frozenset[str]:
        return frozenset(graph for graph, _ in self.wanted)

    def scale(self) -> None:
        """Scales the roles, and waits until the operator has written it into the graphs. Raises RehearsalError."""
        for (graph, role), replicas in self.wanted.items():
            adapter, spec = names.of_component(graph, role), {"spec": {"replicas": replicas}}
            self.kube.patch(names.GROUP, names.ADAPTER_KIND, adapter, spec, self.namespace, manager="autoscaler")
        wait_until(lambda: self.replicas() == self.wanted, "graph with the engines that its adapters ask for")

    def replicas(self) -> Replicas:
        """What the graphs themselves ask for, of the roles that are scaled."""
        graphs = (self.kube.get(names.GROUP, names.GRAPH_KIND, graph, self.namespace) for graph in self.graphs)
        found = {
            (graph["metadata"]["name"], component["name"]): component["replicas"]
            for graph in graphs
            for component in names.components(graph)
        }
        return {key: found[key] for key in self.wanted}
