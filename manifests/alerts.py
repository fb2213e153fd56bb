"""All alerts and their conditions. docs/runbooks says what to do about each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from catalog.contracts import TransferMetrics
from catalog.engines import Engine
from catalog.releases import has_metric
from manifests.promql import GRAPH, Scope, graphs_by_engine, scope
from planning.types import Graph, Plan

# Long enough for a rate of a few requests to mean something, short enough to be told within the quarter hour.
WINDOW = "10m"

# Below that load, requests per second, too few arrive within the window to say that a phase gets none.
LOAD = 0.1

# The first token of that share of requests may take that many seconds. Over RDMA it takes 0.2 to 0.5 s, and 98 s
# where the KV cache goes over TCP (reported, not measured here). 4.7 is the upper edge of one of the frontend's own
# buckets, where the quantile is exact.
FIRST_TOKEN_SHARE = 0.95
FIRST_TOKEN_SECONDS = 4.7


# That share of prefilled requests may lose their KV cache unfetched: a client that breaks off while its request waits
# for decode does it, too, and no counter tells the two apart.
EXPIRED_SHARE = 0.02


class Severity(StrEnum):
    CRITICAL = "CRITICAL"
    """Clients get errors, or the GPUs do not do what they are paid for."""
    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, kw_only=True)
class MetricCondition:
    """Holds while the query returns a series; each series is an incident of its own."""

    query: str
    minutes: int
    """How long without a break it must hold."""


@dataclass(frozen=True, kw_only=True)
class LogCondition:
    """Holds when a line of the log matches."""

    filter: str
    node: str
    """The field of a matching line that names the node: each node is an incident of its own."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    name: str
    """Also the name of its runbook page."""
    title: str
    meaning: str
    """One sentence for the person on call."""
    severity: Severity
    condition: MetricCondition | LogCondition

    @property
    def documentation(self) -> str:
        """What a notification says, in Markdown. The page is named by its path in the repository, wherever that is."""
        return f"{self.meaning}\n\nRunbook: docs/runbooks/{self.name}.md"


def alerts(plan: Plan) -> tuple[Alert, ...]:
    """The alerts that can fire in this stack, by name."""
    return tuple(sorted(_alerts(plan, scope(plan)), key=lambda alert: alert.name))


def _alerts(plan: Plan, series: Scope) -> Iterator[Alert]:
    on_gpus = tuple(graph for graph in plan.graphs if graph.gpus)
    disaggregated = _names(graph for graph in plan.graphs if graph.disaggregated)
    yield Alert(
        name="model-not-listed",
        title="no model is listed",
        meaning="A frontend lists no model for its graph, so every request to it is answered with 404 or 503.",
        severity=Severity.CRITICAL,
        condition=_model_not_listed(series, _names(plan.graphs)),
    )
    yield Alert(
        name="slow-first-token",
        title="the first token is slow",
        meaning=f"One request in twenty waits longer than {FIRST_TOKEN_SECONDS} seconds for its first token.",
        severity=Severity.WARNING,
        condition=MetricCondition(query=f"{_first_token(series)} > {FIRST_TOKEN_SECONDS}", minutes=10),
    )
    if disaggregated:
        yield Alert(
            name="prefill-idle",
            title="prefill is idle under load",
            meaning="Requests are answered while prefill workers get few or none: disaggregation does not happen.",
            severity=Severity.CRITICAL,
            condition=_prefill_idle(series, disaggregated),
        )
    yield from _transfer_alerts(plan, series)
    if on_gpus:
        yield Alert(
            name="gpu-pods-pending",
            title="GPU pods are pending",
            meaning="A worker has waited a quarter of an hour to start, and its graph has fewer engines than planned.",
            severity=Severity.ERROR,
            condition=_pods_pending(series, on_gpus),
        )
        yield Alert(
            name="gpu-xid",
            title="a GPU reports an XID",
            meaning="The driver of a node has logged a GPU error; Kubernetes may still report that node as ready.",
            severity=Severity.ERROR,
            condition=_xid(plan),
        )


def _transfer_alerts(plan: Plan, series: Scope) -> Iterator[Alert]:
    """For the graphs whose engines count what goes wrong when KV cache moves between GPUs."""
    counted = {
        engine: graphs
        for engine, graphs in graphs_by_engine(graph for graph in plan.graphs if graph.kv_transfer).items()
        if engine.metrics.transfer
    }
    if any(_of(engine).failures for engine in counted):
        yield Alert(
            name="kv-transfer-failures",
            title="KV transfers fail",
            meaning=f"{_who_fails(counted)}, and the requests concerned fail.",
            severity=Severity.ERROR,
            condition=_transfer_failures(series, counted),
        )
    if any(_of(engine).expired for engine in counted):
        yield Alert(
            name="kv-leases-expired",
            title="KV leases expire",
            meaning=f"More than {EXPIRED_SHARE:.0%} of the prompts lose their KV cache on prefill before decode has "
            "fetched it, and decode that comes too late reads memory of other requests: wrong text with HTTP 200.",
            severity=Severity.ERROR,
            condition=_leases_expired(series, counted),
        )
    late = graphs_by_engine(graph for graph in plan.graphs if graph.kv_transfer and _counts_after_expiry(graph))
    if late:
        yield Alert(
            name="kv-read-after-expiry",
            title="KV cache is read after its lease",
            meaning="Decode workers finish reading KV cache whose lease on prefill has ended, so it may be that of "
            "other requests: wrong text with HTTP 200.",
            severity=Severity.CRITICAL,
            condition=_read_after_expiry(series, late),
        )


def _of(engine: Engine) -> TransferMetrics:
    return engine.metrics.transfer or TransferMetrics(source="")


def _counts_after_expiry(graph: Graph) -> bool:
    counter = _of(graph.runs).after_expiry
    return counter is not None and has_metric(graph.runtime, counter)


def _who_fails(engines: Iterable[Engine]) -> str:
    evidence = [engine.transport_evidence for engine in engines]
    if all(each and each.operation == "read" for each in evidence):
        return "Decode workers fail to fetch KV cache from prefill workers"
    return "Transfers of KV cache from prefill to decode workers fail"


def _names(graphs: Iterator[Graph] | tuple[Graph, ...]) -> tuple[str, ...]:
    return tuple(graph.name for graph in graphs)


def _model_not_listed(series: Scope, graphs: tuple[str, ...]) -> MetricCondition:
    """At least one frontend of a graph says that its model is not ready, or none says anything.

    Seen with mockers: the gauge is 0 without prefill workers, and gone once decode workers are lost as well.
    """
    not_ready = f"{series.gauge('min', 'dynamo_frontend_model_ready', GRAPH)} < 1"
    silent = (f"absent(dynamo_frontend_model_ready{series.where(graph=graph)})" for graph in graphs)
    return MetricCondition(query=" or ".join((not_ready, *silent)), minutes=10)


def _first_token(series: Scope) -> str:
    return series.quantile(FIRST_TOKEN_SHARE, "dynamo_frontend_time_to_first_token_seconds", GRAPH, window=WINDOW)


def _prefill_idle(series: Scope, graphs: tuple[str, ...]) -> MetricCondition:
    """Each request of a disaggregated graph goes through prefill once; half of them leaves room for retries.

    Not `none at all`: whether the operator's canary requests, one in ten seconds from each idle worker, count as
    requests of a worker is unverified. Requests that a client or the frontend broke off never reach prefill.
    """
    answered = series.rate("dynamo_frontend_requests_total", GRAPH, window=WINDOW, graph=graphs, status="success")
    prefilled = _prefilled(series, graphs)
    query = f"{answered} > {LOAD} unless on ({GRAPH}) {prefilled} > on ({GRAPH}) 0.5 * {answered}"
    return MetricCondition(query=query, minutes=5)


def _prefilled(series: Scope, graphs: tuple[str, ...]) -> str:
    """Requests that prefill workers take in a second."""
    return series.rate(
        "dynamo_component_requests_total",
        GRAPH,
        window=WINDOW,
        graph=graphs,
        dynamo_component="prefill",
        dynamo_endpoint="generate",
    )


def _leases_expired(series: Scope, counted: Mapping[Engine, tuple[str, ...]]) -> MetricCondition:
    """Counted by the engines on the prefill side, held against the requests that they took."""
    conditions: list[str] = []
    for engine, graphs in counted.items():
        if counter := _of(engine).expired:
            expired = series.rate(counter, GRAPH, window=WINDOW, graph=graphs)
            conditions.append(f"{expired} > on ({GRAPH}) {EXPIRED_SHARE} * {_prefilled(series, graphs)}")
    return MetricCondition(query=" or ".join(conditions), minutes=5)


def _read_after_expiry(series: Scope, counted: Mapping[Engine, tuple[str, ...]]) -> MetricCondition:
    """Any rise: each such transfer may have moved blocks that prefill had reused."""
    late = (
        f"{series.increase(counter, GRAPH, window=WINDOW, graph=graphs)} > 0"
        for engine, graphs in counted.items()
        if (counter := _of(engine).after_expiry)
    )
    return MetricCondition(query=" or ".join(late), minutes=0)


def _transfer_failures(series: Scope, counted: Mapping[Engine, tuple[str, ...]]) -> MetricCondition:
    """Counted by the engines. KV cache that expired unfetched has an alert of its own."""
    failed = (
        f"{series.increase(counter, GRAPH, window=WINDOW, graph=graphs)} > 0"
        for engine, graphs in counted.items()
        for counter in _of(engine).failures.values()
    )
    return MetricCondition(query=" or ".join(failed), minutes=0)


def _pods_pending(series: Scope, graphs: tuple[Graph, ...]) -> MetricCondition:
    """By the names that the operator gives: kube state metrics on GKE have a pod's name and no label of it."""
    pods = tuple(f"{graph.name}-{worker.role}-.+" for graph in graphs for worker in graph.workers)
    pending = f"sum(kube_pod_status_phase{series.where(phase='Pending', pod=pods)})"
    return MetricCondition(query=f"{pending} > 0", minutes=15)


def _xid(plan: Plan) -> LogCondition:
    """Managed DCGM has no XID metric, so the kernel's own line is looked for, on the serial port that GKE logs.

    Unverified here: that a long cluster name is whole in the names of its nodes, `gke-<cluster>-<pool>-…`.
    """
    node = 'labels."compute.googleapis.com/resource_name"'
    return LogCondition(
        filter="\n".join(
            (
                'resource.type="gce_instance"',
                'log_id("serialconsole.googleapis.com/serial_port_1_output")',
                f'{node}=~"^gke-{plan.cluster.name}-"',
                'textPayload:"NVRM: Xid"',
            )
        ),
        node=node,
    )
