"""Who reaches whom, and what selects what, among the pods that the control plane has: docs/access.md is the judge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from manifests import labels
from ops.rehearsal.platform import names, operator
from settings.endpoint import Exposure
from tests import access_table
from tests.access_table import GRAPH_PODS, PORTS
from tests.network_rules import Outside, Peer, Pod, applies, reaches, selects
from tests.rehearsal.installed import SYSTEM, Object, Platform, deployed, rendered
from tests.rehearsal.pods import MANAGED_PROMETHEUS, bystander, peer
from tests.rehearsal.simulated import wait_until

SECOND_GRAPH = [
    *(f"models.other.{setting}" for setting in ("model=qwen3-0.6b", "layout=multi-node", "kvTransfer=tcp")),
    "capacity.maxNodes=4",
]
PUBLIC = ["endpoint.domain=llm.example.com", "endpoint.allowedCidrs[0]=203.0.113.0/24"]
EXPOSED = {
    Exposure.NONE: ["endpoint.exposure=none"],
    Exposure.INTERNAL: ["endpoint.exposure=internal"],
    Exposure.GATEWAY: ["endpoint.exposure=gateway", *PUBLIC],
}
OUTSIDE = {
    "machine of the VPC": Outside("10.0.0.7"),
    "machine on premises": Outside("172.20.1.1"),
    "proxy": Outside("10.9.0.5"),
    "health check": Outside("35.191.4.4"),
    "internet": Outside("203.0.113.9"),
}
POLICY = ("networking.k8s.io/v1", "NetworkPolicy")
WEBHOOK = 9443


@dataclass(frozen=True)
class Scene:
    """A stack with two graphs, Jobs, and pods of others."""

    platform: Platform
    peers: Mapping[str, Peer]
    """Everybody but the operator."""
    operator: Pod

    @property
    def pods(self) -> dict[str, Pod]:
        return {name: each for name, each in self.peers.items() if isinstance(each, Pod)}


@pytest.fixture(scope="module")
def scene(platform: Platform) -> Scene:
    kube = platform.kube
    stack = deployed(platform, "try", SECOND_GRAPH, without=("HorizontalPodAutoscaler",))
    wait_until(lambda: len(_of_jobs(stack)) == 3)

    def others(role: str) -> list[Object]:
        return kube.list("v1", "Pod", "dynamo", names.selector_of("other", role))

    wait_until(lambda: all(map(others, GRAPH_PODS)))
    found: dict[str, Object] = {}
    for role in GRAPH_PODS:
        found[role] = stack.pods(role)[0]
        found[f"other graph's {role}"] = others(role)[0]
    for pod in _of_jobs(stack):
        graph = pod["metadata"]["labels"].get(labels.VERIFICATION)
        found[{"chat": "verification", None: "weights"}.get(graph, "other graph's verification")] = pod
    for namespace in MANAGED_PROMETHEUS:
        found[f"pod of {namespace}"] = bystander(kube, "collector", namespace, {"app": "collector"})
    found["client"] = bystander(kube, "client", "clients", {}, **{"dynamo-gke/client": "true"})
    found["client by its own label"] = bystander(kube, "client", "other", {"dynamo-gke/client": "true"})
    found["impostor"] = bystander(kube, "impostor", "other", {names.GRAPH: "chat", labels.VERIFICATION: "chat"})
    agent = {"k8s-app": "konnectivity-agent"}
    found["konnectivity-agent"] = bystander(kube, "agent", "kube-system", agent)
    found["another agent"] = bystander(kube, "agent", "other", agent)
    found["kube-dns"] = bystander(kube, "dns", "kube-system", {"k8s-app": "kube-dns"})
    (one, *_) = kube.list("v1", "Pod", SYSTEM, operator.OPERATOR_PODS)
    peers: dict[str, Peer] = {name: peer(kube, pod) for name, pod in found.items()}
    return Scene(stack, {**peers, **OUTSIDE}, peer(kube, one))


def _of_jobs(stack: Platform) -> list[Object]:
    return stack.kube.list("v1", "Pod", stack.namespace, "batch.kubernetes.io/job-name")


def policies(scene: Scene, exposure: Exposure) -> list[Object]:
    """The stack's policies with an exposure, as the API server would have them."""
    found = [each for each in rendered("try", [*SECOND_GRAPH, *EXPOSED[exposure]]) if each["kind"] == POLICY[1]]
    return [scene.platform.kube.apply(each, dry_run=True) for each in found]


@pytest.mark.parametrize("exposure", Exposure)
def test_who_reaches_a_graph_is_what_the_documentation_says(scene: Scene, exposure: Exposure) -> None:
    rules, wanted = policies(scene, exposure), access_table.connections(exposure)
    found = {
        (who, whom, port)
        for who, one in scene.peers.items()
        for whom in (*GRAPH_PODS, "verification", "weights")
        for port in PORTS
        if reaches(one, scene.pods[whom], port, rules)
    }
    assert found - wanted == set()
    assert wanted - found == set()


def test_who_reaches_the_operators_webhook(scene: Scene) -> None:
    rules = policies(scene, Exposure.INTERNAL)
    found = {
        (who, port) for who, one in scene.peers.items() for port in PORTS if reaches(one, scene.operator, port, rules)
    }
    private = ("machine of the VPC", "machine on premises", "proxy")
    assert found == {(who, WEBHOOK) for who in ("konnectivity-agent", "kube-dns", *private)}


def test_every_pod_may_ask_google_and_the_hub(scene: Scene) -> None:
    rules = scene.platform.kube.list(*POLICY)
    assert all(reaches(pod, OUTSIDE["internet"], 443, rules) for pod in (*scene.pods.values(), scene.operator))


def test_every_policy_selects_a_pod_of_its_stack_and_every_pod_is_selected(scene: Scene) -> None:
    rules, everyone = scene.platform.kube.list(*POLICY), (*scene.pods.values(), scene.operator)
    assert [rule["metadata"]["name"] for rule in rules if not any(applies(rule, pod) for pod in everyone)] == []
    closed = {pod.namespace for pod in everyone if any(applies(rule, pod) for rule in rules)}
    assert closed == {"dynamo", SYSTEM}


def test_services_lead_to_the_frontends_and_workers_of_their_graph(scene: Scene) -> None:
    kube = scene.platform.kube
    for graph in ("chat", "other"):
        for role in GRAPH_PODS:
            pods = {
                each["metadata"]["name"] for each in kube.list("v1", "Pod", "dynamo", names.selector_of(graph, role))
            }
            assert pods
            services = [names.of_component(graph, role), *([f"{graph}-endpoint"] if role == "frontend" else [])]
            for service in services:
                wait_until(lambda service=service, pods=pods: _behind(scene, service) == pods)


def _behind(scene: Scene, service: str) -> set[str]:
    """The pods that a Service leads to, by its EndpointSlices."""
    slices = scene.platform.kube.list(
        "discovery.k8s.io/v1", "EndpointSlice", "dynamo", f"kubernetes.io/service-name={service}"
    )
    return {each["targetRef"]["name"] for piece in slices for each in piece.get("endpoints") or ()}


def test_metrics_are_collected_from_ports_that_the_pods_have(scene: Scene) -> None:
    monitored: set[tuple[str, Any]] = set()
    own = {name: pod for name, pod in scene.pods.items() if pod.namespace == "dynamo"}
    rules = scene.platform.kube.list(*POLICY)
    for monitoring in scene.platform.kube.list("monitoring.googleapis.com/v1", "PodMonitoring", "dynamo"):
        chosen = {name: pod for name, pod in own.items() if selects(monitoring["spec"]["selector"], pod.labels)}
        assert chosen, monitoring["metadata"]["name"]
        for name, pod in chosen.items():
            for endpoint in monitoring["spec"]["endpoints"]:
                port = pod.ports.get(endpoint["port"], endpoint["port"])
                assert all(reaches(scene.peers[f"pod of {each}"], pod, port, rules) for each in MANAGED_PROMETHEUS)
                monitored.add((name, port))
    of_chat = {(name, port) for name, port in monitored if name in GRAPH_PODS}
    workers = {(role, port) for role in ("prefill", "decode") for port in (9090, 19090)}
    assert of_chat == {("frontend", 8000), *workers}
    assert {name for name, _ in monitored} == {*GRAPH_PODS, *(f"other graph's {role}" for role in GRAPH_PODS)}


def test_disruption_budgets_count_the_frontends(scene: Scene) -> None:
    kube = scene.platform.kube

    def counted() -> dict[str, int]:
        budgets = kube.list("policy/v1", "PodDisruptionBudget", "dynamo")
        return {each["metadata"]["name"]: each.get("status", {}).get("expectedPods", 0) for each in budgets}

    # `chat` has one frontend, which no budget could protect.
    wait_until(lambda: counted() == {"other-frontends": 2})
