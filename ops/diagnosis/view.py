"""One graph of the plan and its objects in the cluster."""

from dataclasses import dataclass

from manifests import labels
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, Snapshot, label, name, part, parts, unended
from ops.report.plain import plain
from planning import names
from planning.types import Graph, Plan, WorkerPool

WORKER_TYPES = ("prefill", "decode", "worker")


@dataclass(frozen=True, kw_only=True)
class View:
    plan: Plan
    graph: Graph
    snapshot: Snapshot

    def finding(self, cause: Cause, message: str, *objects: str) -> Finding:
        """A finding of this graph, with control characters removed from untrusted messages and names."""
        return Finding(graph=self.graph.name, cause=cause, objects=tuple(map(plain, objects)), message=plain(message))

    @property
    def namespace(self) -> str:
        """The namespace of the graph."""
        return self.plan.namespace

    @property
    def kubectl(self) -> str:
        return f"kubectl -n {self.namespace}"

    @property
    def gpu_pools(self) -> list[WorkerPool]:
        """The GPU pools that the graph's workers are bound to; empty if they may run on any node."""
        bound = {self.graph.pool_of(worker) for worker in self.graph.workers}
        return [pool for pool in self.plan.gpu_pools if pool.name in bound]

    @property
    def deployed(self) -> Object | None:
        """The DynamoGraphDeployment, or None."""
        return next((graph for graph in self.snapshot.graphs if name(graph) == self.graph.name), None)

    @property
    def reference(self) -> str:
        return f"dynamographdeployment/{self.graph.name}"

    @property
    def pods(self) -> list[Object]:
        """The graph's pods that are neither terminating nor ended."""
        return [pod for pod in self._all_pods if not _ending(pod) and unended(pod)]

    @property
    def failed_pods(self) -> list[Object]:
        """The graph's failed pods. Kubernetes keeps them until there are thousands."""
        return [pod for pod in self._all_pods if not _ending(pod) and part(pod, "status", "phase") == "Failed"]

    @property
    def ending_workers(self) -> list[Object]:
        """Terminating worker pods, which still hold their GPUs."""
        return [pod for pod in self._all_pods if _ending(pod) and unended(pod) and is_worker(pod)]

    @property
    def _all_pods(self) -> list[Object]:
        return [pod for pod in self.snapshot.pods if label(pod, labels.GRAPH) == self.graph.name]

    @property
    def weights_job(self) -> Object | None:
        """The Job that fetches this graph's weights, or None."""
        card = self.graph.card
        if not (self.graph.reads_bucket and card.revision):
            return None
        wanted = names.weights_job(card.repository, card.revision)
        return next((job for job in self.snapshot.jobs if name(job) == wanted), None)

    @property
    def components(self) -> dict[str, int]:
        """The deployed components with their wanted replicas, which an autoscaler may have changed."""
        return {str(c.get("name")): int(c.get("replicas", 1)) for c in parts(self.deployed, "spec", "components")}


def component(pod: Object) -> str:
    """A pod's name in sentences: its component, else its own name."""
    return label(pod, labels.COMPONENT) or label(pod, labels.COMPONENT_TYPE) or name(pod)


def is_worker(pod: Object) -> bool:
    return label(pod, labels.COMPONENT_TYPE) in WORKER_TYPES


def reference(pod: Object) -> str:
    return f"pod/{name(pod)}"


def _ending(pod: Object) -> bool:
    return part(pod, "metadata", "deletionTimestamp") is not None
