"""The control plane of a rehearsal: strict, and real in its scheduling."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ops.rehearsal import access, node_adder, pool_nodes
from ops.rehearsal.kube import ApiError, Conflict, Event, Kube, NotFound
from ops.rehearsal.node_adder import PoolState
from tests.rehearsal.simulated import Cluster, beside, wait_until
from tests.unit.rehearsal.test_nodes import ZONE, pools

RESOURCES = "resource.k8s.io/v1"
CLAIM = {
    "apiVersion": RESOURCES,
    "kind": "ResourceClaimTemplate",
    "metadata": {"name": "rdma", "namespace": "default"},
    "spec": {
        "spec": {
            "devices": {
                "requests": [
                    {
                        "name": "rdma",
                        "exactly": {
                            "deviceClassName": "mrdma.google.com",
                            "allocationMode": "ExactCount",
                            "count": 8,
                        },
                    }
                ]
            }
        }
    },
}


def config_map(name: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def worker(name: str, role: str) -> dict[str, Any]:
    """A pod that takes a whole node of a role's pool, with its NICs."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "nodeSelector": {"dynamo-gke/role": role},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
            "resourceClaims": [{"name": "rdma", "resourceClaimTemplateName": "rdma"}],
            "containers": [
                {
                    "name": "main",
                    "image": "worker",
                    "resources": {"limits": {"nvidia.com/gpu": "8"}, "claims": [{"name": "rdma"}]},
                }
            ],
        },
    }


@pytest.fixture
def kube(cluster: Cluster) -> Kube:
    """A cluster without nodes and pods, whatever the test before has left, to which a test may add some."""
    kube = cluster.kube
    # kwok ends a deleted pod only while its node exists; without, the controllers do so after most of a minute.
    for each in kube.list("v1", "Pod"):
        kube.delete("v1", "Pod", each["metadata"]["name"], each["metadata"]["namespace"], at_once=True)
    for each in kube.list("v1", "Node"):
        kube.delete("v1", "Node", each["metadata"]["name"])
    for each in kube.list("v1", "ConfigMap", "default"):
        kube.delete("v1", "ConfigMap", each["metadata"]["name"], "default")
    for api_version, kind in (("v1", "Pod"), *((RESOURCES, kind) for kind in ("ResourceClaim", "ResourceSlice"))):
        wait_until(lambda of=(api_version, kind): not kube.list(*of))
    return kube


@pytest.fixture
def running() -> Iterator[Callable[[Callable[[threading.Event], None]], None]]:
    """Runs a loop beside the test, and stops it afterwards."""
    with ExitStack() as loops:
        yield lambda loop: loops.enter_context(beside(loop))


def test_apply_refuses_an_unknown_field(kube: Kube) -> None:
    with pytest.raises(ApiError, match=r"\.dat: field not declared in schema"):
        kube.apply({**config_map("strict"), "dat": {}})
    with pytest.raises(ApiError, match='unknown field "dat"'):
        kube.create({**config_map("strict"), "dat": {}})
    with pytest.raises(NotFound, match='configmaps "strict" not found'):
        kube.get("v1", "ConfigMap", "strict", "default")


def test_an_owned_field_conflicts(kube: Kube) -> None:
    kube.apply(config_map("owned", key="ours"))
    with pytest.raises(Conflict, match=r'conflict with "rehearsal": \.data\.key'):
        kube.apply(config_map("owned", key="theirs"), manager="another", force=False)
    with pytest.raises(Conflict, match="already exists"):
        kube.create(config_map("owned"))
    changed = kube.patch("v1", "ConfigMap", "owned", {"data": {"key": None, "other": "x"}}, "default")
    assert changed["data"] == {"other": "x"}
    assert [kube.delete("v1", "ConfigMap", "owned", "default") for _ in range(2)] == [True, False]


def test_a_kind_is_found_as_soon_as_it_is_served(kube: Kube) -> None:
    with pytest.raises(NotFound, match=r"no kind Nothing in v1"):
        kube.list("v1", "Nothing")
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"}
    definition = {"group": "example.com", "scope": "Cluster", "names": names, "versions": [version]}
    kube.apply(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.example.com"},
            "spec": definition,
        }
    )

    def served() -> bool:
        try:
            return kube.list("example.com/v1", "Thing") == []
        except NotFound:
            return False

    wait_until(served)


def test_the_scheduler_places_workers_on_the_nodes_of_their_role(cluster: Cluster, kube: Kube, running: Any) -> None:
    inputs = {**pools()["decode"], "autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 2}}
    for each in (inputs, pools()["prefill"]):
        pool_nodes.create_pool(kube, each, ZONE)
    kube.apply(CLAIM)
    kube.apply(worker("first", "decode"))
    wait_until(lambda: phase(kube, "first") == "Running")
    [decode] = pool_nodes.of_pool(kube, "decode")
    assert node_of(kube, "first") == decode["metadata"]["name"]
    [claim] = kube.list(RESOURCES, "ResourceClaim", "default")
    results = claim["status"]["allocation"]["devices"]["results"]
    assert sorted((each["pool"], each["device"]) for each in results) == [
        (decode["metadata"]["name"], f"gpu{index}rdma0") for index in range(8)
    ]

    for name in ("second", "third"):
        kube.apply(worker(name, "decode"))
    wait_until(lambda: all(node_adder.is_unschedulable(pod(kube, name)) for name in ("second", "third")))

    pool = PoolState(inputs=inputs, zone=ZONE)
    running(lambda stop: node_adder.run(cluster.stand_in("autoscaler", stop), lambda: [pool]))
    wait_until(lambda: sorted(phase(kube, name) for name in ("second", "third")) == ["Pending", "Running"])
    assert len(pool_nodes.of_pool(kube, "decode")) == 2
    waiting = next(name for name in ("second", "third") if phase(kube, name) == "Pending")
    assert node_adder.is_unschedulable(pod(kube, waiting))


def test_the_nodes_of_a_deleted_pool_take_their_devices_and_pods_with_them(kube: Kube) -> None:
    pool_nodes.create_pool(kube, pools()["decode"], ZONE)
    assert len(kube.list(RESOURCES, "ResourceSlice")) == 1
    kube.apply(CLAIM)
    kube.apply(worker("running", "decode"))
    wait_until(lambda: phase(kube, "running") == "Running")
    pool_nodes.delete_pool(kube, "decode")
    wait_until(lambda: not kube.list(RESOURCES, "ResourceSlice"))
    assert pool_nodes.of_pool(kube, "decode") == []
    assert kube.list("v1", "Pod", "default") == []


def test_requests_and_watches_survive_a_restart_of_the_api_server(cluster: Cluster, kube: Kube, running: Any) -> None:
    seen: list[Event] = []

    def names(kind: str) -> list[str]:
        return [event.object["metadata"]["name"] for event in seen if event.type == kind]

    def watch(stop: threading.Event) -> None:
        seen.extend(kube.watch("v1", "ConfigMap", "default", stop=stop, selector="!ignored"))

    running(watch)
    kube.apply(config_map("before"))
    wait_until(lambda: "before" in names("ADDED"))
    answers: list[int] = []

    def ask(stop: threading.Event) -> None:
        while not stop.wait(0.01):
            answers.append(len(kube.list("v1", "Namespace")))

    running(ask)
    former = cluster.plane.pids["kube-apiserver"]
    # A restart by a thread that ends, as the one of an injected fault.
    fault = threading.Thread(target=cluster.plane.restart_api_server)
    fault.start()
    fault.join()
    assert cluster.plane.pids["kube-apiserver"] != former
    asked = len(answers)
    kube.apply(config_map("after"))
    kube.delete("v1", "ConfigMap", "before", "default")
    wait_until(lambda: "after" in names("ADDED") and "before" in names("DELETED") and len(answers) > asked)
    assert all(answers)


def test_the_login_helper_makes_an_administrator(cluster: Cluster) -> None:
    helper = cluster.world.commands / access.LOGIN_HELPER
    said = subprocess.run([helper], check=True, capture_output=True, text=True, timeout=60).stdout
    token = json.loads(said)["status"]["token"]
    mine = Kube(cluster.world.kubeconfig, token)
    assert mine.get("v1", "Namespace", "kube-system")["metadata"]["name"] == "kube-system"


def test_a_service_account_may_nothing_that_no_role_grants(kube: Kube) -> None:
    pod_account = kube.as_owner_of(kube.token("default", "default"))
    with pytest.raises(ApiError, match='"system:serviceaccount:default:default" cannot list resource "pods"'):
        pod_account.list("v1", "Pod", "default")


def test_pod_security_is_enforced(kube: Kube) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "restricted", "labels": labels}})
    refused = worker("privileged", "decode")
    refused["metadata"]["namespace"] = "restricted"
    with pytest.raises(ApiError, match="violates PodSecurity"):
        kube.apply(refused)


def pod(kube: Kube, name: str) -> dict[str, Any]:
    return kube.get("v1", "Pod", name, "default")


def phase(kube: Kube, name: str) -> str:
    return pod(kube, name)["status"]["phase"]


def node_of(kube: Kube, name: str) -> str:
    return pod(kube, name)["spec"]["nodeName"]
