"""Two stacks in one cluster: each pod on its own stack's nodes, and nothing of one selects anything of the other."""

from typing import Any

import pytest

from manifests.labels import NODE_POOL
from ops.rehearsal import pool_nodes
from ops.rehearsal.kube import ApiError
from ops.rehearsal.platform import names
from tests.network_rules import applies, reaches, selects
from tests.rehearsal.installed import Object, Platform, applied, deployed
from tests.rehearsal.pods import peer
from tests.rehearsal.test_network import POLICY
from tests.stacks import config

GUEST: dict[str, Any] = {
    "labels": {"owner": "ml-platform", "costCenter": "1234"},
    "cluster.existing": {"name": "shared", "platform": "shared", "addGpuPools": True},
}
PORTS = (8000, 9090, 19090, 5600)
# Role → pool, and NICs of each pod; None where the pod takes any node of the cluster that has no taint.
STAGING = {"frontend": ("system", 0), "prefill": ("shared", 1), "decode": ("shared", 4)}
PROD = {"frontend": (None, 0), "prefill": ("dynamo-prod-prefill", 8), "decode": ("dynamo-prod-decode", 8)}


@pytest.fixture(scope="module")
def staging(platform: Platform) -> Platform:
    """Four prefill engines with one GPU each, and one decode engine with four: all on one node."""
    return deployed(platform, "staging")


@pytest.fixture(scope="module")
def prod(platform: Platform) -> Platform:
    """A stack with the operator of another, and GPU pools of its own."""
    return applied(platform, config(GUEST, stack="prod"))


def everyone(stack: Platform) -> list[Object]:
    return stack.kube.list("v1", "Pod", stack.namespace)


def test_every_pod_is_on_a_node_of_its_pool_with_its_nics(staging: Platform, prod: Platform) -> None:
    for stack, wanted in ((staging, STAGING), (prod, PROD)):
        for role, (pool, nics) in wanted.items():
            assert stack.pods(role)
            for pod in stack.pods(role):
                node = stack.kube.get("v1", "Node", pod["spec"]["nodeName"])
                assert node["metadata"]["labels"][NODE_POOL] == (pool or "system")
                assert devices(stack, pod) == {node["metadata"]["name"]: nics} if nics else not devices(stack, pod)


def devices(stack: Platform, pod: Object) -> dict[str, int]:
    """Node → the NICs that the pod has there."""
    found: dict[str, int] = {}
    for claimed in pod["status"].get("resourceClaimStatuses", ()):
        claim = stack.kube.get("resource.k8s.io/v1", "ResourceClaim", claimed["resourceClaimName"], stack.namespace)
        for result in claim["status"]["allocation"]["devices"]["results"]:
            found[result["pool"]] = found.get(result["pool"], 0) + 1
    return found


def test_no_device_has_two_owners(staging: Platform) -> None:
    claims = staging.kube.list("resource.k8s.io/v1", "ResourceClaim")
    results = [each for claim in claims for each in claim["status"]["allocation"]["devices"]["results"]]
    owned = [(each["pool"], each["device"]) for each in results]
    assert len(owned) == len(set(owned)) >= 8
    assert len(pool_nodes.of_pool(staging.kube, "shared")) == 1


def test_no_pod_of_one_stack_reaches_a_pod_of_the_other(staging: Platform, prod: Platform) -> None:
    policies = staging.kube.list(*POLICY)
    for stack, other in ((staging, prod), (prod, staging)):
        own, others = ([peer(each.kube, pod) for pod in everyone(each)] for each in (stack, other))
        assert own
        assert others
        assert not [1 for one in own for pod in others for port in PORTS if reaches(one, pod, port, policies)]
        assert all(reaches(one, pod, 5600, policies) for one in own for pod in own)
        mine = [policy for policy in policies if policy["metadata"]["namespace"] == stack.namespace]
        assert [policy["metadata"]["name"] for policy in mine if not any(applies(policy, pod) for pod in own)] == []
        assert not [1 for policy in mine for pod in others if applies(policy, pod)]


def test_services_and_collections_of_one_stack_choose_its_own_pods(staging: Platform, prod: Platform) -> None:
    for stack in (staging, prod):
        own = {pod["metadata"]["name"]: pod["metadata"]["labels"] for pod in everyone(stack)}
        slices = stack.kube.list("discovery.k8s.io/v1", "EndpointSlice", stack.namespace)
        collections = stack.kube.list("monitoring.googleapis.com/v1", "PodMonitoring", stack.namespace)
        assert slices
        assert collections
        for piece in slices:
            targets = [each["targetRef"] for each in piece.get("endpoints") or ()]
            assert targets
            assert {(each["namespace"], each["name"] in own) for each in targets} == {(stack.namespace, True)}
        for collection in collections:
            assert any(selects(collection["spec"]["selector"], labels) for labels in own.values())


def test_what_the_operator_calls_a_graph_tells_the_stacks_apart(staging: Platform, prod: Platform) -> None:
    """Engines find each other by Dynamo's namespace, which has the namespace and the graph in it."""
    found = [{pod["metadata"]["labels"][names.NAMESPACE] for pod in stack.pods()} for stack in (staging, prod)]
    assert found == [{"dynamo-chat"}, {"dynamo-prod-chat"}]
    accounts = [{pod["spec"]["serviceAccountName"] for pod in stack.pods()} for stack in (staging, prod)]
    for stack, other, (account,) in zip((staging, prod), (prod, staging), accounts, strict=True):
        own = stack.kube.as_owner_of(stack.kube.token(account, stack.namespace))
        path = f"/api/v1/namespaces/{other.namespace}/pods"
        with pytest.raises(ApiError, match="forbidden"):
            own.request("GET", path)
