"""Pods that the admission policy of a graphs' namespace rejects and admits, by its CEL expressions."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from manifests import pod_security
from manifests.labels import COMPONENT_TYPE, GRAPH
from ops.offline.recording import record
from planning.surroundings import UnrestrictedWorkers
from tests.admission import refusals
from tests.hostile_pods import (
    HOSTILE_CONTAINERS,
    HOSTILE_PODS,
    HOSTILE_REGULAR,
    RESTRICTED,
    UNRESTRICTED,
    container,
    labeled,
    moved,
    pod,
    with_context,
    worker_labels,
)
from tests.program.test_stacks import of_type
from tests.stacks import ROOT, SHIPPED, config, recorded

RDMA = pod_security.policy("dynamo", UnrestrictedWorkers(on_gpus=["chat", "mail"], pinning=["chat"]), {})
SIMULATED = pod_security.policy("dynamo", UnrestrictedWorkers(on_gpus=[], pinning=[]), {})

ANYWHERE = {
    **HOSTILE_PODS,
    **HOSTILE_CONTAINERS,
    **HOSTILE_REGULAR,
    **{f"{name}, init": (moved(p, "initContainers"), w) for name, (p, w) in HOSTILE_CONTAINERS.items()},
    **{f"{name}, init": (moved(p, "initContainers"), w) for name, (p, w) in HOSTILE_REGULAR.items()},
    **{f"{name}, ephemeral": (moved(p, "ephemeralContainers"), w) for name, (p, w) in HOSTILE_CONTAINERS.items()},
}


def assert_refused(policy: dict[str, Any], hostile: dict[str, Any], words: str) -> None:
    assert any(words in message for message in refusals(policy, hostile))


@pytest.mark.parametrize("policy", [RDMA, SIMULATED], ids=["rdma", "simulated"])
@pytest.mark.parametrize(("hostile", "words"), ANYWHERE.values(), ids=ANYWHERE)
def test_no_pod_gets_more_of_its_node(policy: dict[str, Any], hostile: dict[str, Any], words: str) -> None:
    assert_refused(policy, hostile, words)
    assert_refused(policy, labeled(hostile, worker_labels()), words)


@pytest.mark.parametrize(("hostile", "words"), UNRESTRICTED.values(), ids=UNRESTRICTED)
def test_only_workers_on_gpus_may_fall_short_of_restricted(hostile: dict[str, Any], words: str) -> None:
    assert_refused(RDMA, hostile, words)
    assert_refused(SIMULATED, labeled(hostile, worker_labels()), words)
    for labels in (worker_labels("chat"), worker_labels("mail", "decode"), worker_labels("mail", "worker")):
        assert refusals(RDMA, labeled(hostile, labels)) == []


@pytest.mark.parametrize(
    "labels",
    [
        worker_labels(kind="frontend"),
        worker_labels(kind="planner"),
        worker_labels(graph="other"),
        {GRAPH: "chat"},
        {COMPONENT_TYPE: "prefill"},
        {"app": "chat"},
    ],
)
def test_other_labels_make_no_worker(labels: dict[str, str]) -> None:
    for hostile, words in UNRESTRICTED.values():
        assert_refused(RDMA, labeled(hostile, labels), words)
    assert_refused(RDMA, labeled(pinning("main"), labels), "add capabilities")


def pinning(name: str) -> dict[str, Any]:
    added = {"add": list(pod_security.RDMA_CAPABILITIES), "drop": ["ALL"]}
    return pod(containers=[container(name, securityContext={**RESTRICTED, "capabilities": added})])


def test_only_the_main_container_of_an_rdma_worker_may_pin_memory() -> None:
    assert refusals(RDMA, labeled(pinning("main"), worker_labels())) == []
    for refused in (
        pinning("main"),
        labeled(pinning("main"), worker_labels("mail")),  # on GPUs, without RDMA
        labeled(pinning("sidecar"), worker_labels()),
        labeled(moved(pinning("x"), "initContainers"), worker_labels()),
        labeled(moved(pinning("x"), "ephemeralContainers"), worker_labels()),
    ):
        assert_refused(RDMA, refused, "add capabilities")
    assert_refused(SIMULATED, labeled(pinning("main"), worker_labels()), "add capabilities")


HARMLESS = {
    "restricted": pod(),
    "restricted by the pod": pod(
        securityContext={"runAsNonRoot": True, "runAsUser": 5, "seccompProfile": {"type": "RuntimeDefault"}},
        containers=[
            container(securityContext={"allowPrivilegeEscalation": False, "capabilities": {"drop": ["NET_RAW", "ALL"]}})
        ],
    ),
    "defaults written out": pod(
        hostNetwork=False,
        hostPID=False,
        hostIPC=False,
        hostUsers=True,
        securityContext={},
        containers=[
            container(
                securityContext={**RESTRICTED, "privileged": False, "procMount": "Default"},
                ports=[{"containerPort": 80, "hostPort": 0, "protocol": "TCP"}],
                livenessProbe={"httpGet": {"port": 80, "host": "", "path": "/"}},
                startupProbe={"exec": {"command": ["true"]}},
                lifecycle={"preStop": {"sleep": {"seconds": 5}}},
            )
        ],
    ),
    "every kind of volume": pod(
        volumes=[
            {"name": "a", "configMap": {"name": "x"}},
            {"name": "b", "csi": {"driver": "gcsfuse.csi.storage.gke.io"}},
            {"name": "c", "downwardAPI": {"items": []}},
            {"name": "d", "emptyDir": {}},
            {"name": "e", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
            {"name": "f", "persistentVolumeClaim": {"claimName": "x"}},
            {"name": "g", "projected": {"sources": []}},
            {"name": "h", "secret": {"secretName": "x"}},
        ]
    ),
    "annotated": pod(annotations={"container.apparmor.security.beta.kubernetes.io/main": "runtime/default", "a": "b"}),
    "debugged": moved(with_context(), "ephemeralContainers"),
}


@pytest.mark.parametrize("harmless", HARMLESS.values(), ids=HARMLESS)
def test_a_pod_that_is_restricted_is_admitted(harmless: dict[str, Any]) -> None:
    assert refusals(RDMA, harmless) == []
    assert refusals(SIMULATED, harmless) == []


@pytest.mark.parametrize("context", [None, "yes", 7, ["ALL"]])
def test_what_cannot_be_read_is_refused(context: Any) -> None:
    assert refusals(RDMA, pod(containers=[container(securityContext=context)]))


# What GCS FUSE's webhook injects into a pod that asks for it, as read in the driver's source. The operator adds what
# `injected` adds, as read in its source.
SIDECAR = container("gke-gcsfuse-sidecar", restartPolicy="Always") | {
    "securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True, "runAsGroup": 65534}
}
SIDECAR_VOLUMES = [{"name": f"gke-gcsfuse-{name}", "emptyDir": {}} for name in ("tmp", "buffer", "cache")]


def injected(template: dict[str, Any], labels: dict[str, str], *, by_operator: bool) -> dict[str, Any]:
    made = deepcopy(template)
    metadata, spec = made.setdefault("metadata", {}), made["spec"]
    metadata["labels"] = metadata.get("labels", {}) | labels
    volumes = spec.setdefault("volumes", [])
    volumes.append({"name": "kube-api-access-x", "projected": {"sources": []}})
    if by_operator:
        spec["securityContext"] = {"fsGroup": 1000}
        volumes.append({"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}})
        spec["containers"][0] |= {
            "ports": [{"containerPort": 9090, "name": "system", "protocol": "TCP"}],
            "livenessProbe": {"httpGet": {"path": "/live", "port": "system"}},
        }
    if metadata.get("annotations", {}).get("gke-gcsfuse/volumes") == "true":
        spec["initContainers"] = [deepcopy(SIDECAR), {**deepcopy(SIDECAR), "name": "gke-gcsfuse-metadata-prefetch"}]
        volumes += [volume for volume in SIDECAR_VOLUMES if volume["name"] not in {v["name"] for v in volumes}]
    return made


def pods_in_the_cluster(recording: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each pod of a stack, as it reaches the API server's validation."""
    for graph in of_type(recording, ":DynamoGraphDeployment"):
        for component in graph.inputs["spec"]["components"]:
            labels = worker_labels(graph.inputs["metadata"]["name"], component["type"])
            yield component["name"], injected(component["podTemplate"], labels, by_operator=True)
    for job in of_type(recording, "batch/v1:Job"):
        labels = {"batch.kubernetes.io/job-name": job.inputs["metadata"]["name"]}
        yield job.name, injected(job.inputs["spec"]["template"], labels, by_operator=False)


PLANS: dict[str, dict[str, Any]] = {
    "rdma by claims": {},
    "rdma by networks": {"network": {"rdma": "multiNetwork"}},
    "tcp": {"models.chat.kvTransfer": "tcp", "network": {"rdma": "none"}},
    "aggregated": {"models.chat.layout": "aggregated"},
    "from the hub": {"models.chat.model": "qwen3-32b", "models.chat.layout": "aggregated"},
    "in an existing cluster": {"cluster": {"existing": {"name": "shared", "platform": "shared"}}},
    "two graphs": {"models.mail": {"model": "qwen3-32b", "layout": "aggregated"}},
}


@pytest.mark.parametrize("stack", [*SHIPPED, *PLANS])
def test_every_pod_of_a_stack_is_admitted_by_its_policy(stack: str) -> None:
    recording = recorded(stack) if stack in SHIPPED else record(ROOT, config(PLANS[stack]))
    (policy,) = of_type(recording, ":ValidatingAdmissionPolicy")
    found = dict(pods_in_the_cluster(recording))
    assert len(found) >= 3
    assert {name: refusals(policy.inputs, pod) for name, pod in found.items()} == {name: [] for name in found}


@pytest.mark.parametrize("stack", [*SHIPPED, *PLANS])
def test_the_exception_is_no_wider_than_the_stack_needs(stack: str) -> None:
    """A stack's own policy is the strictest possible: it exempts no worker without a capability or without a GPU."""
    recording = recorded(stack) if stack in SHIPPED else record(ROOT, config(PLANS[stack]))
    (policy,) = of_type(recording, ":ValidatingAdmissionPolicy")
    pods = dict(pods_in_the_cluster(recording))
    for name, made in pods.items():
        context = made["spec"]["containers"][0]["securityContext"]
        rooted, adding = context.get("runAsUser") == 0, "add" in context.get("capabilities", {})
        bare = labeled(pod(containers=[{"name": "main", "image": "x:1"}]), made["metadata"]["labels"])
        assert bool(refusals(policy.inputs, bare)) is not rooted, name
        pins = labeled(pinning("main"), made["metadata"]["labels"])
        assert bool(refusals(policy.inputs, pins)) is not adding, name


def test_the_policy_is_bound_to_one_namespace_and_judges_what_can_change() -> None:
    spec = pod_security.binding("dynamo-lab", {})["spec"]
    assert spec == {
        "policyName": "dynamo-lab-graph-pods",
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dynamo-lab"}}},
    }
    rules = RDMA["spec"]["matchConstraints"]["resourceRules"]
    assert [(rule["operations"], rule["resources"]) for rule in rules] == [
        (["CREATE"], ["pods"]),
        (["UPDATE"], ["pods/ephemeralcontainers"]),
    ]
