"""The alerts and their conditions. docs/runbooks has a page for each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from catalog.contracts import TransferMetrics
from catalog.engines import Engine
from catalog.releases import has_metric
from manifests.promql import GRAPH, Scope, graphs_by_engine, scope
from planning.observing import Alerting
from planning.types import Graph, Plan


class Severity(StrEnum):
    CRITICAL = "CRITICAL"
    """Clients get errors, or paid GPUs do no work."""
    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, kw_only=True)
class MetricCondition:
    """A condition that holds while the query returns a series. Each series is its own incident."""

    query: str
    minutes: int
    """Minutes for which the condition must hold without a break."""


@dataclass(frozen=True, kw_only=True)
class LogCondition:
    """A condition that holds when a log line matches."""

    filter: str
    node: str
    """The field of a matching line that names the node. Each node is its own incident."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert policy."""

    name: str
    """Name of the alert, and of its runbook page."""
    title: str
    meaning: str
    """One sentence for the person on call."""
    severity: Severity
    condition: MetricCondition | LogCondition

    @property
    def documentation(self) -> str:
        """Text of a notification, in Markdown. Names the runbook page by its path in the repository."""
        return f"{self.meaning}\n\nRunbook: docs/runbooks/{self.name}.md"


def alerts(plan: Plan) -> tuple[Alert, ...]:
    """The alerts that can fire in this stack, by name."""
    series = replace(scope(plan), window=plan.alerting.window)
    return tuple(sorted(_alerts(plan, series, plan.alerting), key=lambda alert: alert.name))


def _alerts(plan: Plan, series: Scope, rules: Alerting) -> Iterator[Alert]:
    on_gpus = tuple(graph for graph in plan.graphs if graph.gpus)
    disaggregated = _names(graph for graph in plan.graphs if graph.disaggregated)
    yield Alert(
        name="model-not-listed",
        title="no model is listed",
        meaning="A frontend lists no model for its graph, so every request to it is answered with 404 or 503.",
        severity=Severity.CRITICAL,
        condition=_model_not_listed(series, rules, _names(plan.graphs)),
    )
    yield Alert(
        name="slow-first-token",
        title="the first token is slow",
        meaning=f"One request in twenty waits longer than {rules.first_token_seconds} seconds for its first token.",
        severity=Severity.WARNING,
        condition=_slow_first_token(series, rules),
    )
    if disaggregated:
        yield Alert(
            name="prefill-idle",
            title="prefill is idle under load",
            meaning="Requests are answered while prefill workers get few or none: disaggregation does not happen.",
            severity=Severity.CRITICAL,
            condition=_prefill_idle(series, rules, disaggregated),
        )
    yield from _transfer_alerts(plan, series, rules)
    if on_gpus:
        yield Alert(
            name="gpu-pods-pending",
            title="GPU pods are pending",
            meaning="A worker has waited a quarter of an hour to start, and its graph has fewer engines than planned.",
            severity=Severity.ERROR,
            condition=_pods_pending(series, rules, on_gpus),
        )
        yield Alert(
            name="gpu-xid",
            title="a GPU reports an XID",
            meaning="The driver of a node has logged a GPU error; Kubernetes may still report that node as ready.",
            severity=Severity.ERROR,
            condition=_xid(plan),
        )


def _transfer_alerts(plan: Plan, series: Scope, rules: Alerting) -> Iterator[Alert]:
    """Alerts of failed KV transfers, for graphs whose engines count them."""
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
            condition=_transfer_failures(series, rules, counted),
        )
    if any(_of(engine).expired for engine in counted):
        yield Alert(
            name="kv-leases-expired",
            title="KV leases expire",
            meaning=f"More than {rules.expired_share:.0%} of the prompts lose their KV cache on prefill before decode "
            "has fetched it, and decode that comes too late reads memory of other requests: wrong text with HTTP 200.",
            severity=Severity.ERROR,
            condition=_leases_expired(series, rules, counted),
        )
    late = graphs_by_engine(graph for graph in plan.graphs if graph.kv_transfer and _counts_after_expiry(graph))
    if late:
        yield Alert(
            name="kv-read-after-expiry",
            title="KV cache is read after its lease",
            meaning="Decode workers finish reading KV cache whose lease on prefill has ended, so it may be that of "
            "other requests: wrong text with HTTP 200.",
            severity=Severity.CRITICAL,
            condition=_read_after_expiry(series, rules, late),
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


def _model_not_listed(series: Scope, rules: Alerting, graphs: tuple[str, ...]) -> MetricCondition:
    """The condition that a frontend of a graph reports its model as not ready, or that no frontend reports.

    Observed with mockers: the gauge is 0 without prefill workers, and missing without decode workers as well.
    """
    not_ready = f"{series.gauge('min', 'dynamo_frontend_model_ready', GRAPH)} < 1"
    silent = (f"absent(dynamo_frontend_model_ready{series.where(graph=graph)})" for graph in graphs)
    return MetricCondition(query=" or ".join((not_ready, *silent)), minutes=rules.not_listed_minutes)


def _slow_first_token(series: Scope, rules: Alerting) -> MetricCondition:
    slowest = series.quantile(rules.first_token_share, "dynamo_frontend_time_to_first_token_seconds", GRAPH)
    return MetricCondition(query=f"{slowest} > {rules.first_token_seconds}", minutes=rules.slow_minutes)


def _prefill_idle(series: Scope, rules: Alerting, graphs: tuple[str, ...]) -> MetricCondition:
    """The condition that less than half of the requests of a disaggregated graph reach prefill.

    Each request goes through prefill once; half leaves room for retries and for requests that end before prefill. The
    threshold is not zero, because the operator's canary requests, one per ten seconds from each idle worker, may count
    as a worker's requests (unverified).
    """
    answered = series.rate("dynamo_frontend_requests_total", GRAPH, graph=graphs, status="success")
    prefilled = _prefilled(series, graphs)
    enough = f"{prefilled} > on ({GRAPH}) {rules.prefilled_share} * {answered}"
    query = f"{answered} > {rules.min_requests_per_second} unless on ({GRAPH}) {enough}"
    return MetricCondition(query=query, minutes=rules.idle_minutes)


def _prefilled(series: Scope, graphs: tuple[str, ...]) -> str:
    """Query of the requests per second that prefill workers accept."""
    return series.rate(
        "dynamo_component_requests_total",
        GRAPH,
        graph=graphs,
        dynamo_component="prefill",
        dynamo_endpoint="generate",
    )


def _leases_expired(series: Scope, rules: Alerting, counted: Mapping[Engine, tuple[str, ...]]) -> MetricCondition:
    """The condition that too large a share of prefill's requests expires unfetched, by the engines' counters."""
    conditions: list[str] = []
    for engine, graphs in counted.items():
        if counter := _of(engine).expired:
            expired = series.rate(counter, GRAPH, graph=graphs)
            conditions.append(f"{expired} > on ({GRAPH}) {rules.expired_share} * {_prefilled(series, graphs)}")
    return MetricCondition(query=" or ".join(conditions), minutes=rules.expired_minutes)


def _read_after_expiry(series: Scope, rules: Alerting, counted: Mapping[Engine, tuple[str, ...]]) -> MetricCondition:
    """Any rise: each such transfer may have moved blocks that prefill had reused."""
    late = (
        f"{series.increase(counter, GRAPH, graph=graphs)} > 0"
        for engine, graphs in counted.items()
        if (counter := _of(engine).after_expiry)
    )
    return MetricCondition(query=" or ".join(late), minutes=rules.failed_minutes)


def _transfer_failures(series: Scope, rules: Alerting, counted: Mapping[Engine, tuple[str, ...]]) -> MetricCondition:
    """The condition that KV transfers fail, by the engines' counters. Expired KV cache has its own alert."""
    failed = (
        f"{series.increase(counter, GRAPH, graph=graphs)} > 0"
        for engine, graphs in counted.items()
        for counter in _of(engine).failures.values()
    )
    return MetricCondition(query=" or ".join(failed), minutes=rules.failed_minutes)


def _pods_pending(series: Scope, rules: Alerting, graphs: tuple[Graph, ...]) -> MetricCondition:
    """The condition that pods stay Pending. Matches pod names, because kube state metrics on GKE lack pod labels."""
    pods = tuple(f"{graph.name}-{worker.role}-.+" for graph in graphs for worker in graph.workers)
    pending = f"sum(kube_pod_status_phase{series.where(phase='Pending', pod=pods)})"
    return MetricCondition(query=f"{pending} > 0", minutes=rules.pending_minutes)


def _xid(plan: Plan) -> LogCondition:
    """The condition that a GPU reports an XID error. Managed DCGM has no XID metric, so the filter matches the kernel's
    log line on the serial port, which GKE logs.

    We have not verified that node names, `gke-<cluster>-<pool>-…`, contain a long cluster name in full.
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
