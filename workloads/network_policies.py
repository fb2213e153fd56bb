"""Who may reach the pods of a graphs' namespace and of the operator's. Dataplane V2 enforces it; what no policy lets
in stays out.

Ingress only: pods may call out. The node's own processes (kubelet's probes, agents on the host's network) are let in by
Dataplane V2 whatever is written here, and RDMA traffic never passes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from manifests import ports
from manifests.labels import CLIENT, GRAPH, VERIFICATION
from manifests.placement import frontend_labels
from workloads.custom_object import custom_object

API_VERSION = "networking.k8s.io/v1"
KIND = "NetworkPolicy"

# Where GKE runs the collectors of Managed Prometheus; the second on clusters that it manages whole. Unverified which.
COLLECTORS = ("gmp-system", "gke-gmp-system")

# `ops status` and `kubectl` ask services by way of the API server, whose connections come out of these pods of GKE's.
# Who may ask that way is decided by the right on `services/proxy`.
KUBE_SYSTEM = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
API_SERVER = {**KUBE_SYSTEM, "podSelector": {"matchLabels": {"k8s-app": "konnectivity-agent"}}}


@dataclass(frozen=True, kw_only=True)
class NetworkPoliciesArgs:
    namespace: str
    metrics_ports: Mapping[str, Sequence[int]]
    """Graph → ports on which its engines serve metrics."""
    client_ranges: Sequence[str]
    """Addresses outside the cluster from which frontends are asked."""
    labels: dict[str, str]


def default_deny(namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    """Nobody reaches any pod of the namespace, but for what other policies add."""
    return _policy("default-deny", namespace, {}, [], labels)


def within_graph(namespace: str, graph: str, metrics: Sequence[int], labels: dict[str, str]) -> dict[str, Any]:
    """A graph's pods reach one another on every TCP port, since request plane and events choose theirs at random.

    Its own verification asks for answers and metrics, Managed Prometheus for metrics, on the engines' ports `metrics`.
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
    """Who may ask a graph's frontends: pods of namespaces that carry the label, and addresses outside the cluster."""
    allowed: list[dict[str, Any]] = [
        API_SERVER,
        {"namespaceSelector": {"matchLabels": {CLIENT: "true"}}},
        *_ranges(ranges),
    ]
    rules = [{"from": allowed, "ports": _tcp(ports.FRONTEND)}]
    return _policy(f"{graph}-clients", namespace, frontend_labels(graph), rules, labels)


def operator_clients(namespace: str, ranges: Sequence[str], labels: dict[str, str]) -> dict[str, Any]:
    """The API server alone reaches the operator's namespace, and there the webhook alone.

    Its calls come out of GKE's pods in `kube-system` or from the control plane's own private address, one of `ranges`;
    unverified which.
    It is for every pod of the namespace, since a webhook that is not reached has every write of a graph refused and the
    labels of the chart's pods are unverified.
    """
    rules = [{"from": [KUBE_SYSTEM, *_ranges(ranges)], "ports": _tcp(ports.WEBHOOK)}]
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
    """Depend on it for whatever listens: a pod that starts before its policies is open to the whole cluster."""

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
