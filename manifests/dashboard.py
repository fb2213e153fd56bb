"""The dashboard of a stack: its tiles, their PromQL, and the JSON for Cloud Monitoring.

Tiles group by graph, so one dashboard covers all graphs of a stack. Where engines name a series differently, a tile has
one query per engine of the stack. A metric that no workload of the stack emits has no tile.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.contracts import Series, TransferMetrics
from catalog.engines import Engine
from manifests.promql import GRAPH, ROLE, Scope, graphs_by_engine, line, scope
from planning.types import Plan

# Max columns of Cloud Monitoring's grid; each row has three tiles.
COLUMNS = 48
TILE_WIDTH, TILE_HEIGHT = 16, 12
HEADER_HEIGHT = 4

# Units in the notation of Cloud Monitoring (UCUM).
SECONDS, BYTES, BYTES_PER_SECOND, PER_SECOND, WATTS, COUNT, RATIO = "s", "By", "By/s", "1/s", "W", "1", "10^2.%"

GENERATE = "generate"
"""The endpoint that receives prompts. Workers also count requests to their other endpoints."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One chart."""

    title: str
    unit: str
    queries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """Charts under one title."""

    title: str
    subtitle: str
    tiles: tuple[Tile, ...]


def build(plan: Plan) -> str:
    """The dashboard as JSON, keys sorted.

    Omits default values (a position of 0, the left axis, an empty legend): Cloud Monitoring omits them from its answer,
    so each refresh would show a difference.
    """
    dashboard = {
        "displayName": f"Dynamo graphs of {plan.title}",
        "mosaicLayout": {"columns": COLUMNS, "tiles": list(_layout(sections(plan)))},
    }
    return json.dumps(dashboard, sort_keys=True)


def sections(plan: Plan) -> tuple[Section, ...]:
    """The sections of the dashboard, from clients down to hardware."""
    series = scope(plan)
    engines = tuple(graphs_by_engine(plan.graphs))
    transferring = tuple(graphs_by_engine(graph for graph in plan.graphs if graph.kv_transfer))
    found = [_clients(series), _phases(series), _kv_cache(series, engines)]
    if counted := _kv_transfer(series, transferring):
        found.append(counted)
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
    # Without workers of one role the chart has no line, instead of a wrong one.
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
            Tile(title="Prefill requests per decode request", unit=COUNT, queries=(f"{prefill} / {decode}",)),
        ),
    )


def _kv_cache(series: Scope, engines: Sequence[Engine]) -> Section:
    in_use = [engine.metrics.kv_cache_use for engine in engines]
    waiting = [engine.metrics.queue for engine in engines]
    return Section(
        title="KV cache",
        subtitle="Of the engines, and as the router predicts it.",
        tiles=(
            *_tile("In use, fullest engine of a role", RATIO, _gauges(series, "max", in_use)),
            *_tile("Requests that wait in engines", COUNT, _gauges(series, "sum", waiting)),
            Tile(
                title="Router's KV hit rate",
                unit=RATIO,
                queries=(series.mean("dynamo_component_router_kv_hit_rate", GRAPH),),
            ),
        ),
    )


def _gauges(series: Scope, operator: str, gauges: Iterable[str | None]) -> Iterator[str]:
    yield from (series.gauge(operator, gauge, f"{GRAPH}, {ROLE}") for gauge in gauges if gauge)


def _tile(title: str, unit: str, queries: Iterable[str]) -> Iterator[Tile]:
    """A tile with these queries, without duplicates; no tile without a query."""
    if each := tuple(dict.fromkeys(queries)):
        yield Tile(title=title, unit=unit, queries=each)


def _kv_transfer(series: Scope, engines: Sequence[Engine]) -> Section | None:
    """The section of the engines' KV transfer metrics; None if no engine has any."""
    counted = [engine.metrics.transfer for engine in engines if engine.metrics.transfer]
    nixl = any(engine.ports.nixl_telemetry for engine in engines)
    tiles = (*_transfers(series, counted), *(_nixl(series) if nixl else ()))
    if not tiles:
        return None
    sources = " and ".join(dict.fromkeys(transfer.source for transfer in counted))
    by = [*([f"{sources} for each rank of an engine"] if sources else []), *(["NIXL itself"] if nixl else [])]
    return Section(
        title="KV transfer from prefill to decode", subtitle=f"Counted by {', and by '.join(by)}.", tiles=tiles
    )


def _transfers(series: Scope, counted: Sequence[TransferMetrics]) -> Iterator[Tile]:
    moved = [transfer.moved for transfer in counted if transfer.moved]
    yield from _by_unit("Bytes transferred", "{}/s", moved, lambda name: (series.rate(name, GRAPH),))
    durations = [transfer.duration for transfer in counted if transfer.duration]
    yield from _by_unit("Time of a transfer", "{}", durations, lambda name: _quantiles(series, name))
    failures = [
        line(word, series.increase(counter, GRAPH))
        for transfer in counted
        for word, counter in _failures(transfer).items()
    ]
    yield from _tile(f"Failures within {series.window}", COUNT, failures)
    received = [_received(series, *transfer.received) for transfer in counted if transfer.received]
    yield from _tile("Prompt tokens that decode got from prefill", RATIO, received)


def _failures(transfer: TransferMetrics) -> dict[str, str]:
    return {**transfer.failures, **({"expired unfetched": transfer.expired} if transfer.expired else {})}


def _received(series: Scope, hits: str, asked: str) -> str:
    first, second = (series.rate(counter, GRAPH, dynamo_component="backend") for counter in (hits, asked))
    return f"{first} / {second}"


def _by_unit(title: str, unit: str, found: Sequence[Series], queries: Callable[[str], Iterable[str]]) -> Iterator[Tile]:
    """One tile per unit of the series, because a chart has one axis. `queries` gets the unit."""
    units = tuple(dict.fromkeys(one.unit for one in found))
    for each in units:
        of_unit = [query for one in found if one.unit == each for query in queries(one.name)]
        yield from _tile(title if len(units) == 1 else f"{title}, in {each}", unit.format(each), of_unit)


def _nixl(series: Scope) -> tuple[Tile, ...]:
    return (
        Tile(
            title="Bytes, as NIXL counts them",
            unit=BYTES_PER_SECOND,
            queries=(
                line("received", series.rate("agent_rx_bytes_total", f"{GRAPH}, {ROLE}")),
                line("sent", series.rate("agent_tx_bytes_total", f"{GRAPH}, {ROLE}")),
            ),
        ),
        Tile(
            title=f"NIXL errors within {series.window}, by status",
            unit=COUNT,
            queries=(series.increase("agent_errors_total", f"{GRAPH}, {ROLE}, status"),),
        ),
    )


def _gpus(series: Scope) -> Section:
    """The section of GPU metrics, by node. Not by graph: unverified which labels of managed DCGM name a workload."""
    nodes = f'{{cluster="{series.cluster}"}}'
    by_node = "by (Hostname)"
    return Section(
        title="GPUs",
        subtitle="From GKE's managed DCGM; a node's name holds that of its pool.",
        tiles=(
            Tile(
                title="Utilization, mean per node",
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
    """The positions of the widgets: each section has a header of full width, and rows of three tiles."""
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
