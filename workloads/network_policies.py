"""NetworkPolicies for the pods of the graphs' namespace and of the operator's; only the named peers can reach them.

The policies cover ingress only: egress is open. Dataplane V2 enforces them. It always admits the node's own processes
(kubelet's probes, agents on the host network), and RDMA traffic bypasses it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from manifests import ports
from manifests.labels import CLIENT, GRAPH, VERIFICATION
from manifests.placement import frontend_labels
from planning.platform import WEBHOOK_PORT
from workloads.custom_object import custom_object

API_VERSION = "networking.k8s.io/v1"
KIND = "NetworkPolicy"

# Namespaces in which GKE runs the Managed Prometheus collectors; the second on Autopilot clusters. Unverified.
COLLECTORS = ("gmp-system", "gke-gmp-system")

# `ops status` and `kubectl` reach services through the API server, whose connections come from these GKE pods. The
# permission on `services/proxy` decides who may do so.
KUBE_SYSTEM = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
API_SERVER = {**KUBE_SYSTEM, "podSelector": {"matchLabels": {"k8s-app": "konnectivity-agent"}}}


@dataclass(frozen=True, kw_only=True)
class NetworkPoliciesArgs:
    namespace: str
    metrics_ports: Mapping[str, Sequence[int]]
    """Graph → metrics ports of its engines."""
    client_ranges: Sequence[str]
    """Address ranges of clients outside the cluster."""
    labels: dict[str, str]


def default_deny(namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    """Policy that denies all ingress to the namespace, except from peers that other policies allow."""
    return _policy("default-deny", namespace, {}, [], labels)


def within_graph(namespace: str, graph: str, metrics: Sequence[int], labels: dict[str, str]) -> dict[str, Any]:
    """Policy that opens a graph's pods to each other on all TCP ports, because request plane and events choose any.

    The graph's verification may also reach frontends and metrics ports, and Managed Prometheus the metrics ports.
    """
    own = {GRAPH: graph}
    rules = [
        {"from": [{"podSelector": {"matchLabels": own}}], "ports": [{"protocol": "TCP"}]},
        {
            "from": [
                {"podSelector": {"matchLabels": {VERIFICATION: graph}}},
                {
                    "namespaceSelector": {
                        "matchExpressions": [
                            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(COLLECTORS)}
                        ]
                    }
                },
            ],
            "ports": _tcp(ports.FRONTEND, *metrics),
        },
    ]
    return _policy(f"{graph}-pods", namespace, own, rules, labels)


def clients(namespace: str, graph: str, ranges: Sequence[str], labels: dict[str, str]) -> dict[str, Any]:
    """Policy that opens a graph's frontends to pods of labeled namespaces and to addresses outside the cluster."""
    allowed: list[dict[str, Any]] = [
        API_SERVER,
        {"namespaceSelector": {"matchLabels": {CLIENT: "true"}}},
        *_ranges(ranges),
    ]
    rules = [{"from": allowed, "ports": _tcp(ports.FRONTEND)}]
    return _policy(f"{graph}-clients", namespace, frontend_labels(graph), rules, labels)


def operator_clients(namespace: str, ranges: Sequence[str], labels: dict[str, str]) -> dict[str, Any]:
    """Policy that opens only the webhook in the operator's namespace, and only to the API server.

    The calls come from GKE's pods in `kube-system` or from the control plane's private address, one of `ranges`;
    unverified which. The policy selects every pod of the namespace, because the labels of the chart's pods are
    unverified, and an unreachable webhook would block every write of a graph.
    """
    rules = [{"from": [KUBE_SYSTEM, *_ranges(ranges)], "ports": _tcp(WEBHOOK_PORT)}]
    return _policy("operator-clients", namespace, {}, rules, labels)


def _ranges(cidrs: Sequence[str]) -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def _tcp(*ports: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _policy(
    name: str, namespace: str, pods: dict[str, str], rules: list[dict[str, Any]], labels: dict[str, str]
) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "podSelector": {"matchLabels": pods} if pods else {},
            "policyTypes": ["Ingress"],
            **({"ingress": rules} if rules else {}),
        },
    }


class NetworkPolicies(pulumi.ComponentResource):
    """NetworkPolicies of the graphs' namespace. A pod that does not depend on them may start open to the cluster."""

    def __init__(self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:NetworkPolicies", name, None, opts)
        manifests = [default_deny(args.namespace, args.labels)]
        for graph, metrics in args.metrics_ports.items():
            manifests += [
                within_graph(args.namespace, graph, metrics, args.labels),
                clients(args.namespace, graph, args.client_ranges, args.labels),
            ]
        for manifest in manifests:
            custom_object(f"{name}-{manifest['metadata']['name']}", manifest, pulumi.ResourceOptions(parent=self))
        self.register_outputs({})
