"""The dashboard of a stack: which tiles, in PromQL, and the JSON that Cloud Monitoring takes.

Tiles ask by graph, so that one dashboard serves all graphs of a stack. What no workload of the stack emits has no tile.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from manifests.promql import GRAPH, ROLE, WINDOW, Scope, line, scope
from planning.types import Plan

# The grid of Cloud Monitoring has 48 columns at most; three tiles a row.
COLUMNS = 48
TILE_WIDTH, TILE_HEIGHT = 16, 12
HEADER_HEIGHT = 4

# Units in the notation of Cloud Monitoring (UCUM).
SECONDS, BYTES, BYTES_PER_SECOND, PER_SECOND, WATTS, COUNT, RATIO = "s", "By", "By/s", "1/s", "W", "1", "10^2.%"

GENERATE = "generate"
"""The endpoint that prompts go to; a worker also counts requests to its other endpoints."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    title: str
    unit: str
    queries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    title: str
    subtitle: str
    tiles: tuple[Tile, ...]


def build(plan: Plan) -> str:
    """The dashboard as JSON, keys sorted.

    What is a default is not written (a position of 0, the left axis, an empty legend): Cloud Monitoring leaves it out
    of its answer, and each refresh would show it as a difference.
    """
    dashboard = {
        "displayName": f"Dynamo graphs of {plan.title}",
        "mosaicLayout": {"columns": COLUMNS, "tiles": list(_layout(sections(plan)))},
    }
    return json.dumps(dashboard, sort_keys=True)


def sections(plan: Plan) -> tuple[Section, ...]:
    """What is shown, from the clients' side down to the hardware."""
    series = scope(plan)
    found = [_clients(series), _phases(series), _kv_cache(series)]
    if any(graph.kv_transfer for graph in plan.graphs):
        found.append(_kv_transfer(series))
    if any(graph.gpus for graph in plan.graphs):
        found.append(_gpus(series))
    return (*found, _pods(series))


def _clients(series: Scope) -> Section:
    first, next_ = "dynamo_frontend_time_to_first_token_seconds", "dynamo_frontend_inter_token_latency_seconds"
    return Section(
        title="What clients see",
        subtitle="Measured by the frontends.",
        tiles=(
            Tile(title="Time to first token", unit=SECONDS, queries=_quantiles(series, first)),
            Tile(title="Inter-token latency", unit=SECONDS, queries=_quantiles(series, next_)),
            Tile(
                title="Requests ended",
                unit=PER_SECOND,
                queries=(series.rate("dynamo_frontend_requests_total", f"{GRAPH}, status"),),
            ),
            Tile(
                title="Requests in flight",
                unit=COUNT,
                queries=(
                    line("in flight", series.gauge("sum", "dynamo_frontend_inflight_requests", GRAPH)),
                    line("queued, no answer yet", series.gauge("sum", "dynamo_frontend_queued_requests", GRAPH)),
                ),
            ),
            Tile(
                title="Waiting in the router's queue",
                unit=COUNT,
                queries=(
                    series.gauge("sum", "dynamo_frontend_router_queue_pending_requests", f"{GRAPH}, worker_type"),
                ),
            ),
            Tile(
                title="Failures, by reason",
                unit=PER_SECOND,
                queries=(series.rate("dynamo_frontend_failures_total", f"{GRAPH}, reason"),),
            ),
        ),
    )


def _phases(series: Scope) -> Section:
    requests, by_role = "dynamo_component_requests_total", f"{GRAPH}, {ROLE}"
    # Without workers of one of the roles there is no line, rather than a wrong one.
    prefill, decode = (
        series.rate(requests, GRAPH, dynamo_endpoint=GENERATE, dynamo_component=component)
        for component in ("prefill", "backend")
    )
    return Section(
        title="Prefill and decode",
        subtitle="Each request of a disaggregated graph passes through both; an aggregated graph has one role, worker.",
        tiles=(
            Tile(
                title="Requests, by role",
                unit=PER_SECOND,
                queries=(series.rate(requests, by_role, dynamo_endpoint=GENERATE),),
            ),
            Tile(
                title="In flight, by role",
                unit=COUNT,
                queries=(series.gauge("sum", "dynamo_component_inflight_requests", by_role, dynamo_endpoint=GENERATE),),
            ),
            Tile(title="Prefill requests to one of decode", unit=COUNT, queries=(f"{prefill} / {decode}",)),
        ),
    )


def _kv_cache(series: Scope) -> Section:
    return Section(
        title="KV cache",
        subtitle="Of the engines, and as the router predicts it.",
        tiles=(
            Tile(
                title="In use, fullest engine of a role",
                unit=RATIO,
                queries=(series.gauge("max", "vllm:kv_cache_usage_perc", f"{GRAPH}, {ROLE}"),),
            ),
            Tile(
                title="Requests that wait in engines",
                unit=COUNT,
                queries=(series.gauge("sum", "vllm:num_requests_waiting", f"{GRAPH}, {ROLE}"),),
            ),
            Tile(
                title="Router's KV hit rate",
                unit=RATIO,
                queries=(series.mean("dynamo_component_router_kv_hit_rate", GRAPH),),
            ),
        ),
    )


def _kv_transfer(series: Scope) -> Section:
    hits, asked = (
        series.rate(f"vllm:external_prefix_cache_{which}_total", GRAPH, dynamo_component="backend")
        for which in ("hits", "queries")
    )
    failures = {
        "transfer": "vllm:nixl_num_failed_transfers_total",
        "notification": "vllm:nixl_num_failed_notifications_total",
        "expired unfetched": "vllm:nixl_num_kv_expired_reqs_total",
    }
    return Section(
        title="KV transfer from prefill to decode",
        subtitle="Counted by vLLM's connector for each rank of an engine, and by NIXL itself.",
        tiles=(
            Tile(
                title="Bytes transferred",
                unit=BYTES_PER_SECOND,
                queries=(series.rate("vllm:nixl_bytes_transferred_sum", GRAPH),),
            ),
            Tile(
                title="Time of a transfer",
                unit=SECONDS,
                queries=_quantiles(series, "vllm:nixl_xfer_time_seconds"),
            ),
            Tile(
                title=f"Failures within {WINDOW}",
                unit=COUNT,
                queries=tuple(line(name, series.increase(counter, GRAPH)) for name, counter in failures.items()),
            ),
            Tile(title="Prompt tokens that decode got from prefill", unit=RATIO, queries=(f"{hits} / {asked}",)),
            Tile(
                title="Bytes, as NIXL counts them",
                unit=BYTES_PER_SECOND,
                queries=(
                    line("received", series.rate("agent_rx_bytes_total", f"{GRAPH}, {ROLE}")),
                    line("sent", series.rate("agent_tx_bytes_total", f"{GRAPH}, {ROLE}")),
                ),
            ),
            Tile(
                title=f"NIXL errors within {WINDOW}, by status",
                unit=COUNT,
                queries=(series.increase("agent_errors_total", f"{GRAPH}, {ROLE}, status"),),
            ),
        ),
    )


def _gpus(series: Scope) -> Section:
    """By node and not by graph: which of its labels managed DCGM gives a workload's names to is unverified."""
    nodes = f'{{cluster="{series.cluster}"}}'
    by_node = "by (Hostname)"
    return Section(
        title="GPUs",
        subtitle="From GKE's managed DCGM; a node's name holds that of its pool.",
        tiles=(
            Tile(
                title="Utilisation, mean of a node",
                unit="%",
                queries=(f"avg {by_node} (DCGM_FI_DEV_GPU_UTIL{nodes})",),
            ),
            Tile(
                title="Memory in use, fullest GPU of a node",
                unit=BYTES,
                queries=(f"max {by_node} (DCGM_FI_DEV_FB_USED{nodes}) * 1048576",),  # DCGM counts MiB
            ),
            Tile(
                title="Power, sum of a node",
                unit=WATTS,
                queries=(f"sum {by_node} (DCGM_FI_DEV_POWER_USAGE{nodes})",),
            ),
        ),
    )


def _pods(series: Scope) -> Section:
    return Section(
        title="Pods",
        subtitle="From GKE's kube state metrics.",
        tiles=(
            Tile(
                title="Pods, by phase",
                unit=COUNT,
                queries=(series.gauge("sum", "kube_pod_status_phase", "phase"),),
            ),
            Tile(
                title="Pods that no node takes",
                unit=COUNT,
                queries=(series.gauge("sum", "kube_pod_status_unschedulable", "namespace"),),
            ),
        ),
    )


def _quantiles(series: Scope, histogram: str) -> tuple[str, ...]:
    return tuple(line(f"p{share * 100:g}", series.quantile(share, histogram, GRAPH)) for share in (0.5, 0.95))


def _layout(sections: tuple[Section, ...]) -> Iterator[dict[str, Any]]:
    """Each section under a header of full width, its tiles three a row."""
    y = 0
    for section in sections:
        header = {"title": section.title, "sectionHeader": {"subtitle": section.subtitle}}
        yield _placed(header, x=0, y=y, width=COLUMNS, height=HEADER_HEIGHT)
        y += HEADER_HEIGHT
        for start in range(0, len(section.tiles), COLUMNS // TILE_WIDTH):
            for column, tile in enumerate(section.tiles[start : start + COLUMNS // TILE_WIDTH]):
                yield _placed(_chart(tile), x=column * TILE_WIDTH, y=y, width=TILE_WIDTH, height=TILE_HEIGHT)
            y += TILE_HEIGHT


def _placed(widget: dict[str, Any], *, x: int, y: int, width: int, height: int) -> dict[str, Any]:
    position = {key: value for key, value in (("xPos", x), ("yPos", y)) if value}
    return {"widget": widget, "width": width, "height": height, **position}


def _chart(tile: Tile) -> dict[str, Any]:
    sets = [
        {"plotType": "LINE", "timeSeriesQuery": {"prometheusQuery": query, "unitOverride": tile.unit}}
        for query in tile.queries
    ]
    return {"title": tile.title, "xyChart": {"dataSets": sets}}
