"""The plan as plain data, for `--json`, goldens and stack outputs."""

from typing import Any

from catalog import sizing
from planning.first_token import FirstToken
from planning.types import Graph, Plan, Worker


def summary(plan: Plan) -> dict[str, Any]:
    """The plan as plain data for `--json`, goldens and stack outputs."""
    return {
        "gpus": plan.gpus,
        "nodes": sum(pool.nodes for pool in plan.pools),
        "pools": [
            {
                "name": p.name,
                "machine": p.machine.name,
                "nodes": p.nodes,
                "mostNodes": p.max_nodes,
                "gpus": p.gpus,
                "rdmaNics": p.nics if plan.rdma.carries else 0,
                "graphs": list(p.graphs),
            }
            for p in plan.pools
        ],
        "graphs": {graph.name: _graph_summary(graph) for graph in plan.graphs},
        "costPerHour": plan.cost_per_hour,
        "costPerHourKnown": plan.cost_known,
        "costPerHourUpperBound": plan.cost_bound,
        "costPerHourAtMost": plan.cost_max,
        "costs": [
            {
                "what": c.name,
                "usdPerHour": c.usd_per_hour,
                "usdPerHourUpperBound": c.usd_bound,
                "usdPerHourAtMost": c.usd_max,
                "basis": c.basis,
            }
            for c in plan.costs
        ],
        "firstToken": plan.first_token and _first_token_summary(plan.first_token),
        "warnings": list(plan.warnings),
    }


def _first_token_summary(first: FirstToken) -> dict[str, Any]:
    return {
        "minutes": round(first.minutes),
        "paidGpuMinutes": round(first.paid_gpu_minutes),
        "usd": None if first.usd is None else round(first.usd, 2),
        "phases": [
            {"what": p.name, "minutes": round(p.minutes, 1), "gpusPaid": p.gpus > 0, "assumes": p.assumes}
            for p in first.phases
        ],
    }


def _graph_summary(graph: Graph) -> dict[str, Any]:
    return {
        "model": graph.card.name,
        "servedName": graph.served_name,
        "repository": graph.card.repository,
        "revision": graph.card.revision,
        "layout": graph.layout,
        "engine": graph.engine,
        "gpus": graph.gpus,
        "kvTransfer": graph.kv_transfer and graph.kv_transfer.value,
        "maxModelLen": graph.max_model_len,
        "roles": {w.role.value: _worker_summary(graph, w) for w in graph.workers},
    }


def _worker_summary(graph: Graph, worker: Worker) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "replicas": worker.replicas,
        "mostReplicas": worker.max_replicas,
        "tensorParallel": worker.tensor_parallel,
        "gpus": worker.gpus,
        "pool": graph.pool_of(worker),
        "machine": worker.machine and worker.machine.name,
        "extraArgs": list(worker.extra_args),
    }
    if worker.memory:
        shape |= {
            "weightsGibPerGpu": round(worker.memory.weights / sizing.GIB, 2),
            "kvTokens": worker.memory.kv_tokens,
            "fullSequences": worker.memory.full_sequences,
        }
    return shape
