"""The control plane of a rehearsal: strict, real in its scheduling, and gone when it is stopped."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.rehearsal import access, kubelet, node_adder, pool_nodes
from ops.rehearsal.control_plane import ControlPlane
from ops.rehearsal.kube import ApiError, Conflict, Event, Kube, NotFound
from ops.rehearsal.node_adder import PoolState
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from tests.local.private import in_private_network
from tests.rehearsal.simulated import Cluster, wait_until
from tests.unit.rehearsal.test_nodes import ZONE, pools

CLAIM = {
    "apiVersion": "resource.k8s.io/v1",
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
def kube(cluster: Cluster) -> Iterator[Kube]:
    """A cluster to which a test may add nodes and pods."""
    yield cluster.kube
    for kind in ("Pod", "ConfigMap", "Node"):
        for each in cluster.kube.list("v1", kind, None if kind == "Node" else "default"):
            cluster.kube.delete("v1", kind, each["metadata"]["name"], each["metadata"].get("namespace"))
    wait_until(lambda: not cluster.kube.list("v1", "Pod", "default"))
    wait_until(lambda: not cluster.kube.list("resource.k8s.io/v1", "ResourceSlice"))


@pytest.fixture
def running() -> Iterator[Callable[[Callable[[threading.Event], None]], None]]:
    """Runs a loop beside the test, and stops it afterwards."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def start(loop: Callable[[threading.Event], None]) -> None:
        threads.append(threading.Thread(target=loop, args=(stop,), daemon=True))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


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


def test_the_scheduler_places_workers_on_the_nodes_of_their_role(kube: Kube, running: Any) -> None:
    inputs = {**pools()["decode"], "autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 2}}
    for each in (inputs, pools()["prefill"]):
        pool_nodes.create_pool(kube, each, ZONE)
    kube.apply(CLAIM)
    kube.apply(worker("first", "decode"))
    wait_until(lambda: phase(kube, "first") == "Running")
    [decode] = pool_nodes.of_pool(kube, "decode")
    assert node_of(kube, "first") == decode["metadata"]["name"]
    [claim] = kube.list("resource.k8s.io/v1", "ResourceClaim", "default")
    results = claim["status"]["allocation"]["devices"]["results"]
    assert sorted((each["pool"], each["device"]) for each in results) == [
        (decode["metadata"]["name"], f"gpu{index}rdma0") for index in range(8)
    ]

    for name in ("second", "third"):
        kube.apply(worker(name, "decode"))
    wait_until(lambda: all(node_adder.is_unschedulable(pod(kube, name)) for name in ("second", "third")))

    running(lambda stop: node_adder.run(kube, lambda: [PoolState(inputs=inputs, zone=ZONE)], stop))
    wait_until(lambda: sorted(phase(kube, name) for name in ("second", "third")) == ["Pending", "Running"])
    assert len(pool_nodes.of_pool(kube, "decode")) == 2
    waiting = next(name for name in ("second", "third") if phase(kube, name) == "Pending")
    assert node_adder.is_unschedulable(pod(kube, waiting))


def test_the_nodes_of_a_deleted_pool_take_their_devices_and_pods_with_them(kube: Kube) -> None:
    pool_nodes.create_pool(kube, pools()["decode"], ZONE)
    assert len(kube.list("resource.k8s.io/v1", "ResourceSlice")) == 1
    kube.apply(CLAIM)
    kube.apply(worker("running", "decode"))
    wait_until(lambda: phase(kube, "running") == "Running")
    pool_nodes.delete_pool(kube, "decode")
    wait_until(lambda: not kube.list("resource.k8s.io/v1", "ResourceSlice"))
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
    said = subprocess.run([helper], check=True, capture_output=True, text=True, timeout=10).stdout
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


@in_private_network
def test_stop_leaves_no_process(programs: Programs, tmp_path: Path) -> None:
    plane = ControlPlane.start(World(tmp_path), programs, kubelet.kwok_config())
    pids = plane.pids
    assert len(pids) == 5
    assert all(Path(f"/proc/{pid}").exists() for pid in pids.values())
    plane.stop()
    assert [name for name, pid in pids.items() if Path(f"/proc/{pid}").exists()] == []


def pod(kube: Kube, name: str) -> dict[str, Any]:
    return kube.get("v1", "Pod", name, "default")


def phase(kube: Kube, name: str) -> str:
    return pod(kube, name)["status"]["phase"]


def node_of(kube: Kube, name: str) -> str:
    return pod(kube, name)["spec"]["nodeName"]
