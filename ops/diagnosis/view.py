"""One graph of the plan beside what a cluster holds of it."""

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
        """A finding of this graph, without the control characters that others may have put into messages and names."""
        return Finding(graph=self.graph.name, cause=cause, objects=tuple(map(plain, objects)), message=plain(message))

    @property
    def namespace(self) -> str:
        """Where the graph runs."""
        return self.plan.namespace

    @property
    def kubectl(self) -> str:
        return f"kubectl -n {self.namespace}"

    @property
    def gpu_pools(self) -> list[WorkerPool]:
        """The GPU pools that the graph's workers are bound to; none where any node that fits will do."""
        bound = {self.graph.pool_of(worker) for worker in self.graph.workers}
        return [pool for pool in self.plan.gpu_pools if pool.name in bound]

    @property
    def deployed(self) -> Object | None:
        """The DynamoGraphDeployment, or None while there is none."""
        return next((graph for graph in self.snapshot.graphs if name(graph) == self.graph.name), None)

    @property
    def reference(self) -> str:
        return f"dynamographdeployment/{self.graph.name}"

    @property
    def pods(self) -> list[Object]:
        """The graph's pods that are to stay: neither ending nor ended."""
        return [pod for pod in self._all_pods if not _ending(pod) and unended(pod)]

    @property
    def failed_pods(self) -> list[Object]:
        """The graph's pods that failed for good. Kubernetes keeps them until there are thousands."""
        return [pod for pod in self._all_pods if not _ending(pod) and part(pod, "status", "phase") == "Failed"]

    @property
    def ending_workers(self) -> list[Object]:
        """Worker pods that were told to stop and still hold their GPUs."""
        return [pod for pod in self._all_pods if _ending(pod) and unended(pod) and is_worker(pod)]

    @property
    def _all_pods(self) -> list[Object]:
        return [pod for pod in self.snapshot.pods if label(pod, labels.GRAPH) == self.graph.name]

    @property
    def weights_job(self) -> Object | None:
        """The Job that fetches this graph's weights; None where there is none such."""
        card = self.graph.card
        if not (self.graph.reads_bucket and card.revision):
            return None
        wanted = names.weights_job(card.repository, card.revision)
        return next((job for job in self.snapshot.jobs if name(job) == wanted), None)

    @property
    def components(self) -> dict[str, int]:
        """The deployed components, each with the replicas that are wanted: a scaler may have changed the plan's."""
        return {str(c.get("name")): int(c.get("replicas", 1)) for c in parts(self.deployed, "spec", "components")}


def component(pod: Object) -> str:
    """What a pod is called in a sentence: its component, or its own name where it is of none."""
    return label(pod, labels.COMPONENT) or label(pod, labels.COMPONENT_TYPE) or name(pod)


def is_worker(pod: Object) -> bool:
    return label(pod, labels.COMPONENT_TYPE) in WORKER_TYPES


def reference(pod: Object) -> str:
    return f"pod/{name(pod)}"


def _ending(pod: Object) -> bool:
    return part(pod, "metadata", "deletionTimestamp") is not None
