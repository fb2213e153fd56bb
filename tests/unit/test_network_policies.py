"""Which peers reach which pods on which ports."""

from dataclasses import dataclass
from typing import Any

import pytest

from catalog.engines import default_engine
from manifests import labels
from planning.endpoint import PRIVATE_RANGES, client_ranges
from planning.metrics_ports import metrics_ports
from planning.surroundings import Gateway, InCluster, Internal
from settings.endpoint import Exposure
from tests import strict
from tests.network_rules import Outside, Peer, Pod, reaches
from workloads.network_policies import clients, default_deny, operator_clients, within_graph

LABELS = {"stack": "prod"}
GRAPH, TYPE = "nvidia.com/dynamo-graph-deployment-name", "nvidia.com/dynamo-component-type"


ENDPOINTS = {
    Exposure.NONE: InCluster(),
    Exposure.INTERNAL: Internal(global_access=False),
    Exposure.GATEWAY: Gateway(domain="llm.example.com", allowed_cidrs=("203.0.113.0/24",)),
}


def policies(exposure: Exposure) -> list[dict[str, Any]]:
    """The policies of a namespace with two graphs, and the operator's."""
    ranges = client_ranges(ENDPOINTS[exposure], proxies="10.9.0.0/23")
    graphs = ("chat", "code")
    return [
        default_deny("dynamo", LABELS),
        *(within_graph("dynamo", graph, metrics_ports(default_engine()), LABELS) for graph in graphs),
        *(clients("dynamo", graph, ranges, LABELS) for graph in graphs),
        operator_clients("dynamo-system", PRIVATE_RANGES, LABELS),
    ]


def component(kind: str, graph: str = "chat") -> Pod:
    """A pod with the operator's labels."""
    return Pod({GRAPH: graph, TYPE: kind, "nvidia.com/dynamo-component": kind})


FRONTEND, PREFILL, DECODE, WORKER = map(component, ("frontend", "prefill", "decode", "worker"))
OTHER_FRONTEND, OTHER_DECODE = component("frontend", "code"), component("decode", "code")
VERIFICATION, OTHER_VERIFICATION = Pod({labels.VERIFICATION: "chat"}), Pod({labels.VERIFICATION: "code"})
FETCH = Pod({"batch.kubernetes.io/job-name": "weights-x"})
STRANGER = Pod({"app": "stranger"}, "other")
IMPOSTOR = Pod({**FRONTEND.labels, **VERIFICATION.labels}, "other")
CLIENT = Pod({"app": "client"}, "other", (("dynamo-gke/client", "true"),))
NOT_CLIENT = Pod({"dynamo-gke/client": "true"}, "other", (("dynamo-gke/client", "false"),))
COLLECTOR = Pod({"app": "collector"}, "gmp-system")
OPERATOR = Pod({"app": "operator"}, "dynamo-system")
API_SERVER = Pod({"k8s-app": "konnectivity-agent"}, "kube-system")
NOT_API_SERVER, OF_GKE = Pod(API_SERVER.labels, "other"), Pod({"k8s-app": "kube-dns"}, "kube-system")
IN_VPC, ON_PREMISES, PROXY = Outside("10.0.0.7"), Outside("172.20.1.1"), Outside("10.9.0.5")
HEALTH_CHECK, INTERNET = Outside("35.191.4.4"), Outside("203.0.113.9")

FRONTEND_PORT, SYSTEM, NIXL, SIDE_CHANNEL, KV_EVENTS, RANDOM = 8000, 9090, 19090, 5600, 20080, 41234
WEBHOOK, OPERATOR_METRICS = 9443, 8080
ANY = (FRONTEND_PORT, SYSTEM, NIXL, SIDE_CHANNEL, KV_EVENTS, RANDOM, WEBHOOK, OPERATOR_METRICS)


@dataclass(frozen=True)
class Case:
    name: str
    peer: Peer
    target: Pod
    open: tuple[int, ...]
    """The ports among ANY that the peer reaches."""


WHATEVER_THE_EXPOSURE = [
    Case("decode asks prefill", DECODE, PREFILL, ANY),
    Case("prefill asks decode", PREFILL, DECODE, ANY),
    Case("the frontend asks a worker", FRONTEND, PREFILL, ANY),
    Case("a worker asks the frontend", DECODE, FRONTEND, ANY),
    Case("frontends ask each other", FRONTEND, FRONTEND, ANY),
    Case("an aggregated worker is asked", FRONTEND, WORKER, ANY),
    Case("another graph's frontend asks a worker", OTHER_FRONTEND, DECODE, ()),
    Case("another graph's worker asks the frontend", OTHER_DECODE, FRONTEND, ()),
    Case("the verification asks the frontend", VERIFICATION, FRONTEND, (FRONTEND_PORT, SYSTEM, NIXL)),
    Case("the verification reads a worker", VERIFICATION, DECODE, (FRONTEND_PORT, SYSTEM, NIXL)),
    Case("another graph's verification", OTHER_VERIFICATION, DECODE, ()),
    Case("another graph's verification asks the frontend", OTHER_VERIFICATION, FRONTEND, ()),
    Case("Managed Prometheus reads the frontend", COLLECTOR, FRONTEND, (FRONTEND_PORT, SYSTEM, NIXL)),
    Case("Managed Prometheus reads a worker", COLLECTOR, PREFILL, (FRONTEND_PORT, SYSTEM, NIXL)),
    Case("Managed Prometheus asks another pod", COLLECTOR, FETCH, ()),
    Case("the Job that fetches weights asks a worker", FETCH, DECODE, ()),
    Case("a worker asks the Job that fetches weights", DECODE, FETCH, ()),
    Case("a pod of another namespace asks the frontend", STRANGER, FRONTEND, ()),
    Case("a pod of another namespace asks a worker", STRANGER, DECODE, ()),
    Case("labels of the graph in another namespace", IMPOSTOR, DECODE, ()),
    Case("labels of the graph in another namespace, to the frontend", IMPOSTOR, FRONTEND, ()),
    Case("a client in the cluster asks the frontend", CLIENT, FRONTEND, (FRONTEND_PORT,)),
    Case("a client in the cluster asks a worker", CLIENT, DECODE, ()),
    Case("the label on the pod and not on its namespace", NOT_CLIENT, FRONTEND, ()),
    Case("the operator asks a worker", OPERATOR, DECODE, ()),
    Case("the API server asks the operator's webhook", API_SERVER, OPERATOR, (WEBHOOK,)),
    Case("another pod of GKE's asks the operator's webhook", OF_GKE, OPERATOR, (WEBHOOK,)),
    Case("the control plane's own address asks it", IN_VPC, OPERATOR, (WEBHOOK,)),
    Case("its replica asks the operator", OPERATOR, OPERATOR, ()),
    Case("a worker asks the operator", DECODE, OPERATOR, ()),
    Case("Managed Prometheus asks the operator", COLLECTOR, OPERATOR, ()),
    Case("a pod of another namespace asks the operator", STRANGER, OPERATOR, ()),
    Case("a client of the frontends asks the operator", CLIENT, OPERATOR, ()),
    Case("the internet asks the operator", INTERNET, OPERATOR, ()),
    Case("the API server asks the frontend for `ops status`", API_SERVER, FRONTEND, (FRONTEND_PORT,)),
    Case("the API server asks a worker", API_SERVER, DECODE, ()),
    Case("its label in another namespace", NOT_API_SERVER, FRONTEND, ()),
    Case("another pod of its namespace", OF_GKE, FRONTEND, ()),
    Case("the internet asks the frontend", INTERNET, FRONTEND, ()),
    *(
        Case(f"{peer.address} asks a worker", peer, worker, ())
        for peer in (IN_VPC, ON_PREMISES, PROXY, HEALTH_CHECK, INTERNET)
        for worker in (PREFILL, DECODE)
    ),
]
REACHED = (FRONTEND_PORT,)
# Peers outside the cluster that reach the frontend's port.
BY_EXPOSURE: dict[Exposure, tuple[tuple[Outside, tuple[int, ...]], ...]] = {
    Exposure.NONE: ((IN_VPC, ()), (ON_PREMISES, ()), (PROXY, ()), (HEALTH_CHECK, ())),
    # The proxies' range is a private range of the VPC.
    Exposure.INTERNAL: ((IN_VPC, REACHED), (ON_PREMISES, REACHED), (PROXY, REACHED), (HEALTH_CHECK, ())),
    Exposure.GATEWAY: ((IN_VPC, ()), (ON_PREMISES, ()), (PROXY, REACHED), (HEALTH_CHECK, REACHED)),
}


def open_ports(case: Case, exposure: Exposure) -> tuple[int, ...]:
    return tuple(port for port in ANY if reaches(case.peer, case.target, port, policies(exposure)))


@pytest.mark.parametrize("exposure", Exposure)
@pytest.mark.parametrize("case", WHATEVER_THE_EXPOSURE, ids=lambda c: c.name)
def test_who_reaches_whom(case: Case, exposure: Exposure) -> None:
    assert open_ports(case, exposure) == case.open


@pytest.mark.parametrize(("exposure", "peers"), BY_EXPOSURE.items())
def test_who_reaches_the_frontend_from_outside(
    exposure: Exposure, peers: tuple[tuple[Outside, tuple[int, ...]], ...]
) -> None:
    for peer, ports in peers:
        assert open_ports(Case("", peer, FRONTEND, ports), exposure) == ports, peer


def test_without_policies_everyone_is_let_in() -> None:
    """The evaluator also admits connections."""
    assert reaches(STRANGER, DECODE, SYSTEM, [])
    assert not reaches(STRANGER, DECODE, SYSTEM, [default_deny("dynamo", LABELS)])
    assert not reaches(DECODE, PREFILL, SYSTEM, [default_deny("dynamo", LABELS)])


@pytest.mark.parametrize("exposure", Exposure)
def test_kubernetes_takes_them_and_no_two_have_one_name(exposure: Exposure) -> None:
    found = policies(exposure)
    assert strict.errors(found) == []
    assert len({policy["metadata"]["name"] for policy in found}) == len(found)
