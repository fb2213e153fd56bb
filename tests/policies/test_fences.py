"""NetworkPolicies fence each graph: cases that open one of several graphs are violations."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from manifests import labels
from manifests.ports import FRONTEND
from ops.offline.recorded import UNKNOWN, Recording
from policies import kinds
from tests.policies.mutations import added, changed, judged_by_others, prod, with_gateway
from workloads.network_policies import API_SERVER, KUBE_SYSTEM

POLICY = ":NetworkPolicy"
DENY, PODS, CLIENTS = "policies-default-deny", "policies-chat-pods", "policies-chat-clients"
STRANGERS = [{"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "x"}}}]}]
PRIVATE: list[dict[str, Any]] = [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 9090}]}]


def with_second_graph(namespace: str) -> Recording:
    """The prod stack with a second graph in a namespace, with the same dependencies as the first."""
    (graph,) = [r for r in prod().resources if r.type == kinds.GRAPH]
    inputs = deepcopy(graph.inputs)
    inputs["metadata"] |= {"name": "code", "namespace": namespace}
    second = replace(graph, urn=f"{graph.urn}-code", name="code-graph", inputs=inputs)
    return replace(prod(), resources=(*prod().resources, second))


def policy(selector: dict[str, Any], ingress: list[dict[str, Any]], namespace: str = "dynamo") -> dict[str, Any]:
    spec = {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": ingress}
    return {"metadata": {"name": "more", "namespace": namespace}, "spec": spec}


def more(selector: dict[str, Any], ingress: list[dict[str, Any]]) -> Callable[[], Recording]:
    return lambda: added(prod(), kinds.NETWORK_POLICY, policy(selector, ingress))


def of(name: str, path: str, value: Any) -> Callable[[], Recording]:
    return lambda: changed(prod(), POLICY, name, path, value)


OF_CHAT = {"matchLabels": {labels.GRAPH: "chat"}}
OF_PREFILL = {"matchExpressions": [{"key": labels.COMPONENT_TYPE, "operator": "In", "values": ["prefill"]}]}
NOT_FRONTEND = {"matchExpressions": [{"key": labels.COMPONENT_TYPE, "operator": "NotIn", "values": ["frontend"]}]}
MARKED = {"matchLabels": {"app": "whatever"}}

NAME = "kubernetes.io/metadata.name"
IN_DEFAULT: dict[str, Any] = {"namespaceSelector": {"matchLabels": {NAME: "default"}}}
CLIENT_NAMESPACES: dict[str, Any] = {"namespaceSelector": {"matchLabels": {labels.CLIENT: "true"}}}
OF_FRONTEND = {"matchLabels": {labels.GRAPH: "chat", labels.COMPONENT_TYPE: "frontend"}}
HTTP: dict[str, Any] = {"protocol": "TCP", "port": FRONTEND}

OPEN: list[tuple[str, Callable[[], Recording]]] = [
    ("namespace dynamo has no NetworkPolicy that denies all", of(DENY, "spec.policyTypes", ["Egress"])),
    ("namespace dynamo has no NetworkPolicy that denies all", of(DENY, "spec.policyTypes", [])),
    ("namespace dynamo has no NetworkPolicy that denies all", of(DENY, "spec.podSelector", OF_CHAT)),
    ("namespace dynamo has no NetworkPolicy that denies all", of(DENY, "spec.ingress", PRIVATE)),
    ("namespace dynamo has no NetworkPolicy that denies all", of(DENY, "metadata.namespace", "other")),
    ("can reach the workers of graph code", lambda: with_second_graph("other")),
    ("cannot be checked", of(DENY, "spec.podSelector", UNKNOWN)),
    ("lets everyone reach pods of graph chat", more({}, [{}])),
    ("lets everyone reach pods of graph chat", more({}, [{"from": []}])),
    ("lets everyone reach pods of graph chat", more({}, [{"ports": [{"port": 8000}]}])),
    ("lets everyone reach pods of graph chat", more(OF_CHAT, [{"from": [{"namespaceSelector": {}}]}])),
    ("lets everyone reach pods of graph chat", more(OF_CHAT, STRANGERS)),
    ("lets everyone reach pods of graph chat", more(OF_PREFILL, [{"from": [{"podSelector": {}}]}])),
    ("lets everyone reach pods of graph chat", more(MARKED, [{"from": [{"ipBlock": {"cidr": "0.0.0.0/1"}}]}])),
    ("lets everyone reach pods of graph chat", of(PODS, "spec.ingress", STRANGERS)),
    ("lets addresses on TCP port 9090 reach frontend, prefill, decode of graph chat", more(OF_CHAT, PRIVATE)),
    ("lets addresses on TCP port 9090 reach prefill, decode of graph chat", more(NOT_FRONTEND, PRIVATE)),
    ("lets addresses on TCP port 9090 reach frontend, prefill, decode of graph chat", more(MARKED, PRIVATE)),
    ("lets addresses on every port reach frontend of graph chat", of(CLIENTS, "spec.ingress[0].ports", [])),
    ("addresses on every TCP port reach frontend of", of(CLIENTS, "spec.ingress[0].ports", [{"protocol": "TCP"}])),
    ("addresses on every TCP port reach frontend of", of(CLIENTS, "spec.ingress[0].ports", [{}])),
    (
        "addresses on TCP port 8000 to 9000 reach frontend of",
        of(CLIENTS, "spec.ingress[0].ports", [{**HTTP, "endPort": 9000}]),
    ),
    ("on TCP port http reach frontend of", of(CLIENTS, "spec.ingress[0].ports", [{"port": "http"}])),
    ("on UDP port 8000 reach frontend of", of(CLIENTS, "spec.ingress[0].ports", [{**HTTP, "protocol": "UDP"}])),
    ("on every TCP port reach frontend, prefill, decode", of(PODS, "spec.ingress[1].ports", [{"protocol": "TCP"}])),
    ("on TCP port 22 reach frontend, prefill, decode", of(PODS, "spec.ingress[1].ports[0].port", 22)),
    *(
        ("reach prefill, decode of graph chat", more(NOT_FRONTEND, [{"from": [peer], "ports": ports}]))
        for peer in (
            *({**IN_DEFAULT, "podSelector": selector} for selector in ({}, OF_CHAT, {"matchLabels": {"app": "x"}})),
            IN_DEFAULT,
            {"namespaceSelector": {"matchExpressions": [{"key": NAME, "operator": "In", "values": ["default"]}]}},
            {"namespaceSelector": OF_CHAT},
            {"podSelector": {"matchLabels": {"app": "mine"}}},
            {"podSelector": {"matchLabels": {labels.GRAPH: "code"}}},
            {"podSelector": {"matchLabels": {labels.VERIFICATION: "code"}}},
            CLIENT_NAMESPACES,
            API_SERVER,
        )
        for ports in ([], [HTTP], [{"protocol": "TCP"}])
    ),
    ("reach frontend of graph chat", more(OF_FRONTEND, [{"from": [IN_DEFAULT], "ports": [HTTP]}])),
    ("reach frontend of graph chat", more(OF_FRONTEND, [{"from": [CLIENT_NAMESPACES]}])),
    ("reach frontend of graph chat", more(OF_FRONTEND, [{"from": [KUBE_SYSTEM], "ports": [HTTP]}])),
    (
        "enforces no NetworkPolicy",
        lambda: changed(prod(), ":Cluster", "cluster-cluster", "datapathProvider", "LEGACY_DATAPATH"),
    ),
    ("enforces no NetworkPolicy", lambda: changed(prod(), ":Cluster", "cluster-cluster", "datapathProvider", None)),
    *(
        ("may open the pods of a graph", lambda kind=kind: added(prod(), kind, {"metadata": {"name": "x"}}))
        for kind in (
            "kubernetes:networking.k8s.io/v1:NetworkPolicyPatch",
            "kubernetes:networking.k8s.io/v1:NetworkPolicyList",
            "kubernetes:policy.networking.k8s.io/v1alpha1:AdminNetworkPolicy",
            "kubernetes:cilium.io/v2:CiliumClusterwideNetworkPolicy",
        )
    ),
]


@pytest.mark.parametrize(("sentence", "recording"), OPEN)
def test_an_open_graph_is_a_violation(sentence: str, recording: Callable[[], Recording]) -> None:
    known = {(v.policy, v.message) for v in judged_by_others(prod())}
    found = [v for v in judged_by_others(recording()) if (v.policy, v.message) not in known]
    assert any(v.policy == "fenced" and v.mandatory and sentence in v.message for v in found), found
    assert {v.policy for v in found} <= {"fenced", "named-peers", "known-kinds", "nic-per-gpu", "proven", "monitored"}


CLOSED: list[Callable[[], Recording]] = [
    lambda: with_second_graph("dynamo"),
    with_gateway,
    more(OF_CHAT, [{"from": [{"podSelector": OF_CHAT}]}]),
    more(
        OF_CHAT,
        [{"from": [{"podSelector": {"matchLabels": {labels.VERIFICATION: "chat"}}}], "ports": [{"port": 9090}]}],
    ),
    more(OF_FRONTEND, [{**PRIVATE[0], "ports": [{"port": 8000}]}]),
    more(OF_FRONTEND, [{"from": [API_SERVER, CLIENT_NAMESPACES], "ports": [HTTP]}]),
    # Policies for pods of no graph, or in a namespace without a graph.
    more({"matchLabels": {labels.GRAPH: "other"}}, PRIVATE),
    more({"matchExpressions": [{"key": labels.GRAPH, "operator": "DoesNotExist"}]}, PRIVATE),
    lambda: added(prod(), kinds.NETWORK_POLICY, policy({}, PRIVATE, namespace="other")),
]


@pytest.mark.parametrize("recording", CLOSED)
def test_a_fenced_graph_passes(recording: Callable[[], Recording]) -> None:
    assert [v for v in judged_by_others(recording()) if v.policy in ("fenced", "named-peers")] == []
