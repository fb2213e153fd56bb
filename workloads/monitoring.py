"""What Managed Prometheus collects from the pods that the operator makes. It reads PodMonitoring objects only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from manifests.promql import GRAPH, ROLE
from workloads.custom_object import custom_object

API_VERSION = "monitoring.googleapis.com/v1"
KIND = "PodMonitoring"

# Labels that the operator sets on its pods; those of platform 1.5, for 1.6 unverified.
_METRICS_ENABLED = "nvidia.com/metrics-enabled"
_TYPE = "nvidia.com/dynamo-component-type"
_GRAPH = "nvidia.com/dynamo-graph-deployment-name"
_WORKER_TYPES = ["prefill", "decode", "worker"]


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    namespace: str
    transferring: Sequence[str]
    """Graphs whose workers move KV cache over NIXL and serve its telemetry; others have nothing on that port."""
    labels: dict[str, str]


def frontends(namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    """Collection from the frontends: latencies, requests, and the router's metrics, which run in the same process."""
    chosen = [_in(_TYPE, ["frontend"])]
    return _pod_monitoring("dynamo-frontends", namespace, chosen, port="http", interval="15s", labels=labels)


def workers(namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    """Collection from the workers: requests by role, and what the engine passes through."""
    chosen = [_in(_TYPE, _WORKER_TYPES)]
    return _pod_monitoring("dynamo-workers", namespace, chosen, port="system", interval="15s", labels=labels)


def nixl(namespace: str, graphs: Sequence[str], labels: dict[str, str]) -> dict[str, Any]:
    """Collection of NIXL's own telemetry from the workers of some graphs."""
    chosen = [_in(_TYPE, _WORKER_TYPES), _in(_GRAPH, graphs)]
    return _pod_monitoring("dynamo-nixl", namespace, chosen, port="nixl", interval="30s", labels=labels)


def _in(key: str, values: Sequence[str]) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": list(values)}


def _pod_monitoring(
    name: str, namespace: str, chosen: list[dict[str, Any]], *, port: str, interval: str, labels: dict[str, str]
) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": {_METRICS_ENABLED: "true"}, "matchExpressions": chosen},
            "endpoints": [{"port": port, "path": "/metrics", "interval": interval}],
            "targetLabels": {
                "metadata": ["pod", "container", "node"],
                # Names that no metric has of its own: of a name met twice, Prometheus renames the metric's.
                "fromPod": [{"from": _GRAPH, "to": GRAPH}, {"from": _TYPE, "to": ROLE}],
            },
        },
    }


class Monitoring(pulumi.ComponentResource):
    """Prevents a stack that serves and shows nothing: GKE ignores the PodMonitors and annotations that Dynamo brings.

    It needs no graph to be there, and should be there first: a graph that never gets Ready is to be seen, too.
    """

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:Monitoring", name, None, opts)
        manifests = [frontends(args.namespace, args.labels), workers(args.namespace, args.labels)]
        if args.transferring:
            manifests.append(nixl(args.namespace, args.transferring, args.labels))
        for manifest in manifests:
            custom_object(
                f"{name}-{manifest['spec']['endpoints'][0]['port']}", manifest, pulumi.ResourceOptions(parent=self)
            )
        self.register_outputs({})
