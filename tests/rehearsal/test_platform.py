"""Dynamo's platform in a rehearsal: real Helm, API server, controllers and scheduler; the operator is a stand-in."""

from collections.abc import Callable
from typing import Any

import pytest
from pulumi import automation

from ops.rehearsal.kube import ApiError, Conflict
from ops.rehearsal.platform import names, operator
from tests.rehearsal.installed import SYSTEM, Object, Platform, deployed, graph_of, rendered
from tests.rehearsal.simulated import wait_until
from tests.stacks import SHIPPED

SCALED = ["models.chat.autoscaling.decode.min=1", "models.chat.autoscaling.decode.max=2"]
EVERYTHING = [
    *("endpoint.exposure=gateway", "endpoint.domain=llm.example.com", "endpoint.allowedCidrs[0]=203.0.113.0/24"),
    *("secrets.store=secretManager", "network.rdma=multiNetwork"),
    *SCALED,
]


@pytest.fixture(scope="module")
def prod(platform: Platform) -> Platform:
    """The objects of prod, with an autoscaled decode role."""
    return deployed(platform, "prod", SCALED)


@pytest.mark.parametrize(
    ("stack", "overrides"), [*((stack, []) for stack in SHIPPED), ("prod", EVERYTHING)], ids=[*SHIPPED, "everything"]
)
def test_every_object_is_accepted_with_unknown_fields_refused(
    platform: Platform, stack: str, overrides: list[str]
) -> None:
    for each in rendered(stack, overrides):
        if each["kind"] == "Namespace":
            platform.kube.apply(each)
        platform.kube.apply(each, dry_run=True)


@pytest.mark.parametrize("field", ["replica", "podtemplate", "scalingadapter"])
def test_a_misspelt_field_of_a_graph_is_refused(platform: Platform, field: str) -> None:
    graph = graph_of("prod")
    graph["spec"]["components"][1][field] = 1
    with pytest.raises(ApiError, match=rf"components\[name=\"prefill\"\]\.{field}: field not declared in schema"):
        platform.kube.apply(graph, dry_run=True)


def test_the_operators_replicas_are_on_different_nodes_of_the_system_pool(platform: Platform) -> None:
    pods = platform.kube.list("v1", "Pod", SYSTEM, operator.OPERATOR_PODS)
    nodes = {platform.kube.get("v1", "Node", pod["spec"]["nodeName"])["metadata"]["name"] for pod in pods}
    assert len(nodes) == len(pods) == 2
    assert all("-system-" in node for node in nodes)


def test_a_trigger_replaces_only_a_resource_that_had_one(platform: Platform) -> None:
    """The engine's rule on which the graph's replacement depends."""

    def changes(trigger: str) -> dict[Any, int]:
        platform.stack.set_config("trigger", automation.ConfigValue(trigger))
        return dict(platform.stack.up().summary.resource_changes or {})

    assert set(changes("first")) == {"same"}
    assert set(changes("first")) == {"same"}
    assert changes("second")["replace"] == 1


def test_the_pods_of_the_graph_are_on_the_nodes_of_their_role(prod: Platform) -> None:
    for role, count in (("frontend", 2), ("prefill", 1), ("decode", 1)):
        pods = prod.pods(role)
        assert len(pods) == count
        pool = "system" if role == "frontend" else role
        assert all(f"-{pool}-" in pod["spec"]["nodeName"] for pod in pods)
    (worker,) = prod.pods("decode")
    claim = prod.kube.get(
        "resource.k8s.io/v1",
        "ResourceClaim",
        worker["status"]["resourceClaimStatuses"][0]["resourceClaimName"],
        "dynamo",
    )
    assert len(claim["status"]["allocation"]["devices"]["results"]) == 8


def test_the_pods_account_may_discover_others_and_nothing_else(prod: Platform) -> None:
    (worker,) = prod.pods("decode")
    own = prod.kube.as_owner_of(prod.kube.token(worker["spec"]["serviceAccountName"], "dynamo"))
    assert own.list("v1", "Pod", "dynamo")
    assert own.list("discovery.k8s.io/v1", "EndpointSlice", "dynamo") is not None
    with pytest.raises(ApiError, match="forbidden"):
        own.list("v1", "Secret", "dynamo")
    with pytest.raises(ApiError, match="forbidden"):
        own.list("v1", "Pod", SYSTEM)


def scaled_to(prod: Platform, replicas: int) -> None:
    adapter = f"/apis/{names.GROUP}/namespaces/dynamo/dynamographdeploymentscalingadapters/chat-decode/scale"
    patch = {"spec": {"replicas": replicas}}
    prod.kube.request("PATCH", adapter, patch, content_type="application/merge-patch+json")
    wait_until(lambda: len(prod.pods("decode")) == replicas)
    scale = prod.kube.request("GET", adapter)
    assert scale["status"] == {"replicas": replicas, "selector": names.selector_of("chat", "decode")}


def test_the_scaling_adapter_scales_and_an_update_keeps_its_number(prod: Platform) -> None:
    scaled_to(prod, 2)
    wait_until(lambda: not prod.is_ready())
    assert prod.running("decode") == 1, "there is one node for decode"
    graph = graph_of("prod", SCALED)
    prod.kube.apply(graph, manager="pulumi", force=False)
    decode = next(each for each in prod.graph()["spec"]["components"] if each["name"] == "decode")
    assert decode["replicas"] == 2
    unscaled = graph_of("prod")
    with pytest.raises(Conflict, match=r'conflict with "dynamo-operator" .*components\[name="decode"\].replicas'):
        prod.kube.apply(unscaled, manager="pulumi", force=False, dry_run=True)
    scaled_to(prod, 1)
    prod.kube.apply(unscaled, manager="pulumi", force=False, dry_run=True)
    wait_until(prod.is_ready)


def scale_automatically(component: Object) -> None:
    """As the program renders an autoscaled role. The frontend has two replicas."""
    component["scalingAdapter"] = {}
    del component["replicas"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda spec: spec["components"][2].update(replicas=2), "replicas cannot be modified directly"),
        (lambda spec: scale_automatically(spec["components"][0]), r"\[frontend\].replicas cannot be modified directly"),
        (lambda spec: spec.update(backendFramework="sglang"), "backendFramework is immutable"),
        (lambda spec: spec["components"].pop(), "components removed"),
    ],
)
def test_the_webhook_refuses(prod: Platform, change: Callable[[Any], Any], says: str) -> None:
    graph = graph_of("prod", SCALED)
    change(graph["spec"])
    with pytest.raises(ApiError, match=says):
        prod.kube.apply(graph, manager="pulumi")


def test_a_new_generation_of_workers_replaces_the_old_on_the_same_nodes(prod: Platform) -> None:
    before = {pod["metadata"]["labels"][names.WORKER_HASH] for pod in prod.pods("prefill")}
    graph = graph_of("prod", SCALED)
    graph["spec"]["components"][2]["podTemplate"]["spec"]["containers"][0]["args"] += ["--seed", "1"]
    prod.kube.apply(graph, manager="pulumi")
    wait_until(prod.is_ready)
    after = {pod["metadata"]["labels"][names.WORKER_HASH] for role in ("prefill", "decode") for pod in prod.pods(role)}
    assert len(after) == 1
    assert not before & after
    assert len(prod.kube.list("apps/v1", "Deployment", "dynamo")) == 3


def test_a_graph_is_deleted_only_while_the_operator_runs(prod: Platform) -> None:
    prod.scale_operator(0)
    prod.kube.delete(names.GROUP, names.GRAPH_KIND, "chat", "dynamo")
    with pytest.raises(pytest.fail.Exception):
        wait_until(lambda: not prod.has_graph(), seconds=3)
    assert prod.graph()["metadata"]["deletionTimestamp"]
    assert prod.running("decode") == 1
    prod.scale_operator(2)
    wait_until(lambda: not prod.has_graph())
    assert not prod.kube.list("v1", "Pod", "dynamo", names.GRAPH)
    assert not prod.kube.list("apps/v1", "Deployment", "dynamo")
