"""The named faults that a stack cannot meet. Pure."""

from collections.abc import Callable, Collection, Mapping

from ops.rehearsal.faults.named import Named
from planning.types import Plan, WorkerPool


def impossible(asked: Collection[Named], plan: Plan) -> dict[Named, str]:
    """Why the stack cannot meet some of the faults."""
    return {fault: why for fault, obstacle in _OBSTACLES.items() if fault in asked and (why := obstacle(plan))}


def first_pool_with_nodes(plan: Plan) -> WorkerPool | None:
    """The first GPU pool for which GKE needs machines while it creates the pool."""
    return next((pool for pool in plan.gpu_pools if pool.purchase and pool.purchase.min_nodes), None)


def _no_gpu_node(plan: Plan) -> str:
    return "" if plan.gpu_pools else "the stack has no GPU pool"


def _no_stockout(plan: Plan) -> str:
    if first_pool_with_nodes(plan):
        return ""
    return _no_gpu_node(plan) or "each GPU pool of the stack is created without a node, for which GKE needs no machines"


def _no_weights(plan: Plan) -> str:
    return "" if plan.fetched else "the stack has no Job that fetches weights"


def _no_verification(plan: Plan) -> str:
    if any(graph.verification.required and graph.disaggregated for graph in plan.graphs):
        return ""
    return "no graph of the stack has prefill workers and must pass its verification (verification=required)"


_OBSTACLES: Mapping[Named, Callable[[Plan], str]] = {
    Named.STOCKOUT: _no_stockout,
    Named.NODE_LOST: _no_gpu_node,
    Named.WEIGHTS: _no_weights,
    Named.VERIFICATION: _no_verification,
}
"""Why not, or nothing. A stack that creates its cluster can meet the others."""
