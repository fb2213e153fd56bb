"""Which level of the Pod Security Standards the graphs' namespace is held to, and whose workers need more than most."""

from collections.abc import Sequence

from planning.surroundings import PodSecurity, UnrestrictedWorkers
from planning.types import Graph


def pod_security(graphs: Sequence[Graph]) -> PodSecurity:
    """The strictest level that admits every pod of the namespace. A policy holds most pods to more."""
    pinning = [graph.name for graph in graphs if graph.rdma]
    return PodSecurity(
        level="privileged" if pinning else "baseline",
        workers=UnrestrictedWorkers(on_gpus=[graph.name for graph in graphs if graph.gpus], pinning=pinning),
    )
