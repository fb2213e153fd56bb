"""Node selectors, tolerations, affinity and spread constraints of a graph's pods."""

from catalog.machines import ACCELERATOR_LABEL, ARCH_LABEL, GPU_RESOURCE, GpuMachine
from manifests import dgd, labels
from planning.types import Graph, Worker


def worker_nodes(graph: Graph, worker: Worker) -> dict[str, str]:
    pool = graph.pool_of(worker)
    return (on_pool(pool) if pool else {}) | (_of_machine(worker.machine) if worker.machine else {})


def on_pool(pool: str) -> dict[str, str]:
    """The node selector for a pool, by GKE's label."""
    return {labels.NODE_POOL: pool}


def _of_machine(node: GpuMachine) -> dict[str, str]:
    """The node selector for labels of the machine type."""
    return {ACCELERATOR_LABEL: node.gpus.type} | ({} if node.arch == "amd64" else {ARCH_LABEL: node.arch})


def tolerations(node: GpuMachine) -> tuple[dgd.Toleration, ...]:
    """Tolerations of GKE's taints on a machine's nodes: for GPUs, and for Arm CPUs."""
    keys = (GPU_RESOURCE, *([] if node.arch == "amd64" else [ARCH_LABEL]))
    return tuple(dgd.Toleration(key=key, operator="Exists", effect="NoSchedule") for key in keys)


def colocated(graph: Graph) -> dgd.Affinity:
    """Affinity that prefers the node of the graph's other pods. A required affinity could block the first pod."""
    same_graph = dgd.LabelSelector(match_labels={labels.GRAPH: graph.name})
    term = dgd.PodAffinityTerm(label_selector=same_graph, topology_key="kubernetes.io/hostname")
    return dgd.Affinity(
        pod_affinity=dgd.PodAffinity(preferred=(dgd.WeightedPodAffinityTerm(weight=100, pod_affinity_term=term),))
    )


def frontend_labels(graph: str) -> dict[str, str]:
    """The operator's labels of a graph's frontend pods."""
    return {labels.GRAPH: graph, labels.COMPONENT_TYPE: "frontend"}


def spread(graph: Graph) -> tuple[dgd.TopologySpreadConstraint, ...]:
    """Constraint that spreads frontends over nodes, if there are enough nodes."""
    return (
        dgd.TopologySpreadConstraint(
            max_skew=1,
            topology_key="kubernetes.io/hostname",
            when_unsatisfiable="ScheduleAnyway",
            label_selector=dgd.LabelSelector(match_labels=frontend_labels(graph.name)),
        ),
    )
