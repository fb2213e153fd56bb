"""What `status` says about a real control plane, in the words of the real scheduler and controllers."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from ops.rehearsal import pool_nodes
from ops.rehearsal.nodes import FAKE_NODE
from ops.rehearsal.platform import names
from tests.rehearsal.installed import OPERATOR, SYSTEM, Object, Platform, deployed, rendered
from tests.rehearsal.simulated import PATIENCE_SECONDS, wait_until
from tests.stacks import ROOT
from tests.unit.rehearsal.test_nodes import ZONE

THIEF = "thief"
METADATA = ("nvidia.com/v1alpha1", "DynamoWorkerMetadata")
NODE_GONE = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}


@pytest.fixture(scope="module")
def module_prod(platform: Platform) -> Platform:
    found = deployed(platform, "prod")
    balance(found)
    return found


@pytest.fixture
def prod(module_prod: Platform) -> Platform:
    """A graph that serves, whatever the test before has done to it: with an address of its endpoint, and workers that
    the router knows."""
    restore(module_prod)
    for role in ("prefill", "decode"):
        for pod in module_prod.pods(role):
            register(module_prod, pod)
    wait_until(lambda: causes(module_prod) == {"ready"})
    return module_prod


def restore(platform: Platform) -> None:
    """Brings the stack back to what was deployed."""
    kube = platform.kube
    kube.delete("v1", "Pod", THIEF, platform.namespace, at_once=True)
    for pool in platform.pools.values():
        pool_nodes.create_pool(kube, pool, ZONE)
    platform.scale_operator(2)
    wait_until(lambda: not platform.has_graph() or "deletionTimestamp" not in platform.graph()["metadata"])
    apply_graph(platform, [])
    wait_until(platform.is_ready)


def balance(platform: Platform) -> None:
    """Gives the endpoint an address, as Google's load balancer does."""
    address = {"loadBalancer": {"ingress": [{"ip": "10.0.0.9"}]}}
    platform.kube.patch_status("v1", "Service", "chat-endpoint", address, platform.namespace)


def register(platform: Platform, pod: Object) -> None:
    """Writes what a worker writes about itself, with the worker's own rights."""
    name, account = pod["metadata"]["name"], pod["spec"]["serviceAccountName"]
    own = platform.kube.as_owner_of(platform.kube.token(account, platform.namespace))
    metadata = {"name": name, "namespace": platform.namespace}
    own.apply({"apiVersion": METADATA[0], "kind": METADATA[1], "metadata": metadata, "spec": {"data": {}}})


def status(platform: Platform, stack: str = "prod") -> list[dict[str, Any]]:
    """The findings that the command prints."""
    world = platform.world
    done = subprocess.run(
        [sys.executable, "-m", "ops", "status", "--stack", stack, "--context", "rehearsal", "--json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(world.folder), "KUBECONFIG": str(world.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    said = json.loads(done.stdout)
    assert "error" not in said, said
    assert done.returncode == (0 if said["ready"] else 1)
    return said["findings"]


def causes(platform: Platform) -> set[str]:
    return {finding["cause"] for finding in status(platform)}


def only(platform: Platform, cause: str) -> str:
    """The message of the one finding of this cause."""
    found = [finding["message"] for finding in status(platform) if finding["cause"] == cause]
    assert len(found) == 1, found
    return found[0]


def scale(platform: Platform, component: str, replicas: int) -> None:
    components = [
        {**each, "replicas": replicas} if each["name"] == component else each
        for each in platform.graph()["spec"]["components"]
    ]
    spec = {"spec": {"components": components}}
    platform.kube.patch(names.GROUP, names.GRAPH_KIND, "chat", spec, platform.namespace)
    wait_until(lambda: len(platform.pods(component)) == replicas)


def is_refused(pod: Object) -> bool:
    return any(each.get("reason") == "Unschedulable" for each in pod["status"].get("conditions", ()))


def test_one_replica_too_many_waits_and_the_pool_is_named(prod: Platform) -> None:
    scale(prod, "decode", 2)
    wait_until(lambda: any(map(is_refused, prod.pods("decode"))))
    (holder,) = [pod["metadata"]["name"] for pod in prod.pods("decode") if "nodeName" in pod["spec"]]
    said = only(prod, "resources")
    assert said.startswith("decode waits for free resources on pool decode: ")
    assert "nvidia.com/gpu (asks for 8, a node has 8)" in said
    assert f"on its nodes run {holder}" in said
    assert "the stack gives the pool 1 node at most, and all exist: " in said
    assert "`pulumi up`, which adds the nodes" in said


def test_an_update_whose_new_workers_never_fit_is_named_and_the_setting_ends_it(prod: Platform) -> None:
    """Eight engines of one GPU where one of eight runs."""
    swap = ["models.chat.model=qwen3-32b"]
    apply_graph(prod, swap)
    wait_until(lambda: any(map(is_refused, prod.pods("prefill"))))
    said = next(each["message"] for each in status(prod) if each["cause"] == "resources")
    assert said.startswith(
        "prefill waits for free resources on pool prefill: nvidia.com/gpu (asks for 1, a node has 8)"
    )
    assert "if this one needs their GPUs, it never finishes; then run `pulumi config set --path" in said
    apply_graph(prod, [*swap, "models.chat.updateStrategy=recreate"])
    wait_until(lambda: prod.is_ready() and prod.running("prefill") == 8)
    apply_graph(prod, [])  # eight engines leave one by one, so this one finishes without it
    wait_until(lambda: prod.is_ready() and len(prod.pods("prefill")) == 1)


def apply_graph(platform: Platform, overrides: list[str]) -> None:
    """The graph and its claims as `pulumi up` changes them."""
    for each in rendered("prod", overrides):
        if each["kind"] in ("ResourceClaimTemplate", names.GRAPH_KIND):
            platform.kube.apply(each, manager="pulumi")


def test_nics_that_others_hold_are_named(prod: Platform) -> None:
    """GPUs are free and the NICs are not: the scheduler then says nothing of resources."""
    kube = prod.kube
    (worker,) = prod.pods("decode")
    thief = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": THIEF, "namespace": prod.namespace},
        "spec": {
            **{key: worker["spec"][key] for key in ("nodeSelector", "tolerations")},
            "resourceClaims": [{"name": "rdma", "resourceClaimTemplateName": "rdma-8"}],
            "containers": [
                {
                    "name": "main",
                    "image": THIEF,
                    "resources": {"claims": [{"name": "rdma"}]},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "runAsNonRoot": True,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                }
            ],
        },
    }
    kube.apply(thief)
    wait_until(lambda: is_refused(kube.get("v1", "Pod", THIEF, prod.namespace)))
    prod.scale_operator(0)  # or a new worker would be there before the thief
    (deployment,) = kube.list("apps/v1", "Deployment", prod.namespace, names.selector_of("chat", "decode"))
    own = ("apps/v1", "Deployment", deployment["metadata"]["name"])
    kube.patch(*own, {"spec": {"replicas": 0}}, prod.namespace)
    wait_until(lambda: kube.get("v1", "Pod", THIEF, prod.namespace)["status"]["phase"] == "Running")
    prod.scale_operator(2)
    kube.patch(*own, {"spec": {"replicas": 1}}, prod.namespace)
    wait_until(lambda: any(map(is_refused, prod.pods("decode"))))
    said = only(prod, "nicClaim")
    assert said.startswith(
        "decode waits for RDMA NICs that no node of pool decode can allocate: they are held by thief"
    )


def test_a_node_that_is_silent_or_gone_is_named_although_its_pod_looks_ready(prod: Platform) -> None:
    kube = prod.kube
    (node,) = pool_nodes.of_pool(kube, "decode")
    name = node["metadata"]["name"]
    kube.patch("v1", "Node", name, {"metadata": {"annotations": dict.fromkeys(FAKE_NODE)}})
    (ready,) = [each for each in node["status"]["conditions"] if each["type"] == "Ready"]
    kube.patch_status("v1", "Node", name, {"conditions": [{**ready, **NODE_GONE}]})
    said = only(prod, "capacity")
    assert said == (f"decode is on node {name}, which is not Ready (NodeStatusUnknown: {NODE_GONE['message']})")
    kube.delete("v1", "Node", name)
    assert f"decode is on node {name}, which is gone" in only(prod, "capacity")
    (lost,) = prod.pods("decode")
    kube.delete("v1", "Pod", lost["metadata"]["name"], prod.namespace, at_once=True)
    wait_until(lambda: any(map(is_refused, prod.pods("decode"))))
    assert "waits for a node of pool decode, which has none: " in only(prod, "capacity")
    assert "podFailed" not in causes(prod)


def test_an_operator_that_is_down_is_named_and_how_to_start_it(prod: Platform) -> None:
    prod.scale_operator(0)
    said = only(prod, "operator")
    assert "(somebody scaled it to 0)" in said
    command = f"kubectl -n {SYSTEM} scale deployment {OPERATOR} --replicas 2"
    assert f"`{command}`" in said
    prod.kube.delete(names.GROUP, names.GRAPH_KIND, "chat", prod.namespace)
    assert f"the operator, which does not run, removes finalizer {names.FINALIZER}: start it first" in only(
        prod, "deleting"
    )
    if shutil.which("kubectl"):
        executed = ["kubectl", "--kubeconfig", str(prod.world.kubeconfig), *command.split()[1:]]
        subprocess.run(executed, check=True, capture_output=True, timeout=PATIENCE_SECONDS)
    else:  # no program of a rehearsal
        prod.scale_operator(2)
    wait_until(lambda: not prod.has_graph())
    assert "notDeployed" in causes(prod)
