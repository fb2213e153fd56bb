"""The Pod Security level of the graphs' namespace, and the graphs whose workers need more than `restricted`."""

from collections.abc import Sequence

from planning.surroundings import PodSecurity, UnrestrictedWorkers
from planning.types import Graph


def pod_security(graphs: Sequence[Graph]) -> PodSecurity:
    """The strictest level that admits every pod of the namespace. An admission policy restricts most pods further."""
    pinning = [graph.name for graph in graphs if graph.rdma]
    return PodSecurity(
        level="privileged" if pinning else "baseline",
        workers=UnrestrictedWorkers(on_gpus=[graph.name for graph in graphs if graph.gpus], pinning=pinning),
    )
