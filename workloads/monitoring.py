"""PodMonitoring objects, by which Managed Prometheus collects metrics from the operator's pods."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from catalog.contracts import Ports, Role
from catalog.nixl import TELEMETRY_PORT
from manifests import promql
from manifests.labels import COMPONENT_TYPE, GRAPH, METRICS_ENABLED
from planning.observing import Collection
from planning.types import Graph
from workloads.custom_object import custom_object

API_VERSION = "monitoring.googleapis.com/v1"
KIND = "PodMonitoring"

# Every worker's port `system`.
SYSTEM_PORT = Ports().metrics
_WORKER_TYPES = [role.value for role in Role]


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    namespace: str
    graphs: Sequence[Graph]
    collection: Collection
    labels: dict[str, str]


def frontends(namespace: str, every: str, labels: dict[str, str]) -> dict[str, Any]:
    """Collection from the frontends: latencies, requests, and the router's metrics, which run in the same process."""
    chosen = [_in(COMPONENT_TYPE, ["frontend"])]
    return _pod_monitoring("dynamo-frontends", namespace, chosen, port="http", interval=every, labels=labels)


def manifests(
    namespace: str, graphs: Sequence[Graph], collection: Collection, labels: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """All PodMonitoring objects: for the ports that the operator names, and for engines' own ports."""
    yield frontends(namespace, collection.interval, labels)
    yield workers(namespace, collection.interval, labels)
    for port, names in _by_port((graph, graph.runs.ports.metrics) for graph in graphs).items():
        if port != SYSTEM_PORT:
            yield engines(namespace, names, port, collection.interval, labels)
    transferring = ((graph, graph.runs.ports.nixl_telemetry) for graph in graphs if graph.kv_transfer)
    for port, names in _by_port(transferring).items():
        yield nixl(namespace, names, port, collection.transfer_interval, labels)


def _by_port(ports: Iterable[tuple[Graph, int | None]]) -> dict[int, list[str]]:
    """Names of graphs by port, without graphs that have no such port."""
    found: dict[int, list[str]] = {}
    for graph, port in ports:
        if port is not None:
            found.setdefault(port, []).append(graph.name)
    return found


def workers(namespace: str, every: str, labels: dict[str, str]) -> dict[str, Any]:
    """Collection from the workers: requests by role, and the engine's own metrics."""
    chosen = [_in(COMPONENT_TYPE, _WORKER_TYPES)]
    return _pod_monitoring("dynamo-workers", namespace, chosen, port="system", interval=every, labels=labels)


def engines(namespace: str, graphs: Sequence[str], port: int, every: str, labels: dict[str, str]) -> dict[str, Any]:
    """Collection from workers whose engine serves its metrics on a port of its own."""
    chosen = [_in(COMPONENT_TYPE, _WORKER_TYPES), _in(GRAPH, graphs)]
    return _pod_monitoring(f"dynamo-workers-{port}", namespace, chosen, port=port, interval=every, labels=labels)


def nixl(namespace: str, graphs: Sequence[str], port: int, every: str, labels: dict[str, str]) -> dict[str, Any]:
    """Collection of NIXL's own telemetry from workers that move KV cache over it. The operator names its usual port."""
    chosen = [_in(COMPONENT_TYPE, _WORKER_TYPES), _in(GRAPH, graphs)]
    usual = port == TELEMETRY_PORT
    name, at = ("dynamo-nixl", "nixl") if usual else (f"dynamo-nixl-{port}", port)
    return _pod_monitoring(name, namespace, chosen, port=at, interval=every, labels=labels)


def _in(key: str, values: Sequence[str]) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": list(values)}


def _pod_monitoring(
    name: str, namespace: str, chosen: list[dict[str, Any]], *, port: str | int, interval: str, labels: dict[str, str]
) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": {METRICS_ENABLED: "true"}, "matchExpressions": chosen},
            "endpoints": [{"port": port, "path": "/metrics", "interval": interval}],
            "targetLabels": {
                "metadata": ["pod", "container", "node"],
                # Label names that no metric has: of two equal names, Prometheus renames the metric's.
                "fromPod": [{"from": GRAPH, "to": promql.GRAPH}, {"from": COMPONENT_TYPE, "to": promql.ROLE}],
            },
        },
    }


class Monitoring(pulumi.ComponentResource):
    """PodMonitoring objects of the stack, because GKE ignores Dynamo's PodMonitors and annotations.

    They should exist before the graphs, so that a graph that never gets Ready is visible, too.
    """

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:Monitoring", name, None, opts)
        for manifest in manifests(args.namespace, args.graphs, args.collection, args.labels):
            custom_object(
                f"{name}-{manifest['spec']['endpoints'][0]['port']}", manifest, pulumi.ResourceOptions(parent=self)
            )
        self.register_outputs({})
