"""Each rule with a passing and a violating resource, and the pack on the shipped stacks."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from catalog.engines import engine
from ops.offline import policy_config
from ops.offline.recorded import UNKNOWN, Recording
from ops.offline.verdicts import Verdict, judge
from policies.rules import RULES
from tests.policies.mutations import (
    added,
    changed,
    independent,
    judged_by_others,
    prod,
    prod_with,
    unprotected,
    with_extra_args,
    with_gateway,
    with_networks_by_name,
    without,
)
from tests.policies.test_attacks import CHANGES
from tests.stacks import ROOT, SHIPPED, recorded

POD = {"containers": [{"name": "main", "image": "registry.example.com:5000/tool:1.2.3"}]}
KEY = "gcp:serviceaccount/key:Key"
DAEMON = "kubernetes:apps/v1:DaemonSet"
GRAPH = "DynamoGraphDeployment"
WORKER = "spec.components[1].podTemplate.spec"
DECODE = "spec.components[2].podTemplate.spec"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
VLLM = engine("vllm").image
LABELS = {"owner": "me", "cost-center": "1"}


TOKEN = "hf_" + "a" * 34


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def daemon(**pod: Any) -> dict[str, Any]:
    return {"metadata": {"name": "tool"}, "spec": {"template": {"spec": {**POD, **pod}}}}


def vllm_daemon(*words: str) -> dict[str, Any]:
    """An engine that no shipped graph uses."""
    runs = engine("vllm")
    return daemon(
        containers=[{"name": "main", "image": f"{VLLM}:1.6.1", "command": list(runs.command), "args": list(words)}]
    )


def shell(line: str) -> dict[str, Any]:
    return daemon(containers=[{**POD["containers"][0], "command": ["/bin/sh", "-c", line]}])


def judged(recording: Recording, stack: str = "prod") -> list[Verdict]:
    return judge(recording, policy_config.read(ROOT, stack))


@pytest.mark.parametrize("stack", SHIPPED)
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_the_shipped_stacks_hold_to_every_rule(stack: str, preview: bool) -> None:
    assert judged(recorded(stack, preview=preview), stack) == []


def test_networks_that_pods_name_hold_to_every_rule() -> None:
    assert judged(with_networks_by_name()) == []


def test_a_gateway_with_tls_and_ranges_holds_to_every_rule() -> None:
    assert judged(with_gateway()) == []


def test_an_autoscaled_graph_holds_to_every_rule() -> None:
    one = '{"min": 1, "max": 1}'
    assert judged(prod_with(f'models.chat.autoscaling={{"prefill": {one}, "decode": {one}}}')) == []


def in_prod(suffix: str, name: str, path: str, value: Any) -> Callable[[], Recording]:
    return lambda: changed(prod(), suffix, name, path, value)


def at_gateway(suffix: str, name: str, path: str, value: Any) -> Callable[[], Recording]:
    return lambda: changed(with_gateway(), suffix, name, path, value)


def by_name(suffix: str, name: str, path: str, value: Any) -> Callable[[], Recording]:
    return lambda: changed(with_networks_by_name(), suffix, name, path, value)


VIOLATIONS: list[tuple[str, str, Callable[[], Recording]]] = [
    (
        "private-cluster",
        "public addresses",
        in_prod(":Cluster", "cluster-cluster", "privateClusterConfig.enablePrivateNodes", False),
    ),
    (
        "private-cluster",
        "listens on an IP address",
        in_prod(":Cluster", "cluster-cluster", "controlPlaneEndpointsConfig.ipEndpointsConfig", {}),
    ),
    ("protected", "deletionProtection is off", in_prod(":Cluster", "cluster-cluster", "deletionProtection", False)),
    ("protected", "not protected", lambda: unprotected(prod(), ":NodePool", "prefill-pool")),
    ("protected", "not protected", lambda: unprotected(prod(), ":Bucket", "weights-bucket")),
    ("node-identity", "is unset", in_prod(":NodePool", "system-pool", "nodeConfig.serviceAccount", None)),
    ("node-identity", "is default", in_prod(":Cluster", "cluster-cluster", "nodeConfig.serviceAccount", "default")),
    ("no-service-account-key", "never expires", lambda: added(prod(), KEY, {"serviceAccountId": "nodes"})),
    ("private-bucket", "bypass IAM", in_prod(":Bucket", "weights-bucket", "uniformBucketLevelAccess", False)),
    ("private-bucket", "allUsers", in_prod(":Bucket", "weights-bucket", "publicAccessPrevention", "inherited")),
    ("labelled", "no label cost-center", in_prod(GRAPH, "chat-graph", "metadata.labels", {"owner": "me"})),
    ("labelled", "no label owner", in_prod(":gcp", "google", "defaultLabels", '{"cost-center": "1"}')),
    ("gpu-budget", "5 GPU nodes exceed the max of 4", in_prod(":NodePool", "prefill-pool", "nodeCount", 4)),
    ("gpu-budget", "no price", in_prod(":NodePool", "prefill-pool", "nodeConfig.machineType", "a4x-highgpu-4g")),
    ("capacity-mode", "mode spot", in_prod(":NodePool", "prefill-pool", "nodeConfig.spot", True)),
    ("no-gpu-surge", "maxSurge is 1", in_prod(":NodePool", "prefill-pool", "upgradeSettings.maxSurge", 1)),
    ("no-gpu-surge", "unset", in_prod(":NodePool", "decode-pool", "upgradeSettings", {})),
    ("pinned", "vllm-runtime:latest", in_prod(GRAPH, "chat-graph", f"{WORKER}.containers[0].image", f"{VLLM}:latest")),
    ("pinned", ":5000/tool is", lambda: added(prod(), DAEMON, daemon(initContainers=[{"image": "r:5000/tool"}]))),
    ("no-host-access", "hostNetwork", in_prod(GRAPH, "chat-graph", f"{WORKER}.hostNetwork", True)),
    (
        "no-host-access",
        "volume dev is a hostPath",
        lambda: added(prod(), DAEMON, daemon(volumes=[{"name": "dev", "hostPath": {"path": "/dev"}}])),
    ),
    (
        "no-host-access",
        "main is privileged",
        in_prod(GRAPH, "chat-graph", f"{WORKER}.containers[0].securityContext.privileged", True),
    ),
    (
        "no-foreign-code",
        "--trust-remote-code is not set here: it runs third-party code",
        lambda: with_extra_args("--trust-remote-code"),
    ),
    ("pod-security", "level none", in_prod(":Namespace", "platform-namespace", "metadata.labels", LABELS)),
    ("pod-security", "no bound ValidatingAdmissionPolicy", lambda: without(prod(), ":ValidatingAdmissionPolicy")),
    ("no-foreign-code", "--worker-cls", lambda: with_extra_args("--worker-cls=my.Worker")),
    (
        "no-foreign-code",
        "--scheduler-cls",
        lambda: added(prod(), DAEMON, vllm_daemon("--scheduler-cls", "a.B")),
    ),
    ("no-foreign-code", "--logits-processors", lambda: added(prod(), DAEMON, vllm_daemon("--logits-processors", "x"))),
    (
        "no-foreign-code",
        "starts no engine of the catalog",
        lambda: added(prod(), DAEMON, shell("python3 -m dynamo.vllm")),
    ),
    ("no-plain-secret", "a key of data looks", lambda: added(prod(), CONFIG_MAP, {"data": {TOKEN: "x"}})),
    ("no-plain-secret", "binaryData.x", lambda: added(prod(), CONFIG_MAP, {"binaryData": {"x": encoded(TOKEN)}})),
    ("no-plain-secret", "data.x", lambda: added(prod(), CONFIG_MAP, {"data": {"x": encoded(encoded(TOKEN))}})),
    (
        "no-plain-secret",
        "metadata.annotations.x",
        lambda: added(prod(), "kubernetes:core/v1:Secret", {"metadata": {"annotations": {"x": TOKEN}}}),
    ),
    ("no-plain-secret", "data.token", lambda: added(prod(), CONFIG_MAP, {"data": {"token": "hf_" + "a" * 34}})),
    (
        "internal-service",
        "public load balancer",
        in_prod(":Service", "chat-endpoint-service", "metadata.annotations", {}),
    ),
    (
        "no-admin-api",
        "POST /busy_threshold",
        in_prod(GRAPH, "chat-graph", "spec.components[0].podTemplate.spec.containers[0].env", []),
    ),
    (
        "public-gateway",
        "without TLS",
        at_gateway(":Gateway", "gateway-gateway", "spec.listeners[0].protocol", "HTTP"),
    ),
    (
        "public-gateway",
        "opens the model to everyone",
        at_gateway("SecurityPolicy", "gateway-clients", "rules[0].match.config.srcIpRanges", ["0.0.0.0/0"]),
    ),
    ("public-gateway", "lets in everyone", at_gateway("SecurityPolicy", "gateway-clients", "rules[1].action", "allow")),
    ("public-gateway", "no GCPBackendPolicy", lambda: without(with_gateway(), ":GCPBackendPolicy")),
    (
        "proven",
        "its arguments are not as the program writes it",
        in_prod(":Job", "chat-proof-job", "spec.template.spec.containers[0].args", []),
    ),
    (
        "kv-transfer",
        "prefill of graph chat sends no KV cache: the arguments of vLLM configure none",
        in_prod(GRAPH, "chat-graph", f"{WORKER}.containers[0].args", []),
    ),
    (
        "nic-per-gpu",
        "8 GPUs and gets 0",
        in_prod(GRAPH, "chat-graph", f"{WORKER}.resourceClaims", []),
    ),
    (
        "nic-per-gpu",
        "8 GPUs and gets 0",
        by_name(GRAPH, "chat-graph", "spec.components[1].podTemplate.metadata.annotations", {}),
    ),
    (
        "nic-per-gpu",
        "4 GPUs and gets 0",
        lambda: changed(
            prod_with("models.chat.layout=single-node"), GRAPH, "chat-graph", f"{DECODE}.resourceClaims", []
        ),
    ),
    (
        "nic-per-gpu",
        "8 GPUs and gets 7",
        by_name(":GKENetworkParamSet", "device-networks-rdma-3-parameters", "spec.deviceMode", "NetDevice"),
    ),
    ("monitored", "metrics of frontend", lambda: without(prod(), ":PodMonitoring")),
    (
        "graph-before-operator",
        "does not depend on platform-release",
        lambda: independent(prod(), ":ServingGraph", "chat", but_for=":NetworkPolicy"),
    ),
    ("fenced", "can reach the workers of graph chat", lambda: without(prod(), ":NetworkPolicy")),
    (
        "fenced",
        "no NetworkPolicy that denies all",
        in_prod(":NetworkPolicy", "policies-default-deny", "spec.podSelector", {"matchLabels": {"app": "x"}}),
    ),
    (
        "fenced",
        "no NetworkPolicy that denies all",
        in_prod(":NetworkPolicy", "policies-default-deny", "metadata.namespace", "elsewhere"),
    ),
    (
        "fenced",
        "may serve before it is fenced",
        lambda: independent(prod(), ":ServingGraph", "chat", but_for=":Release"),
    ),
]


@pytest.mark.parametrize(("policy", "sentence", "recording"), VIOLATIONS)
def test_a_violation_is_found(policy: str, sentence: str, recording: Callable[[], Recording]) -> None:
    found = judged_by_others(recording(), policy_config.read(ROOT, "prod"))
    assert {(verdict.policy, verdict.mandatory) for verdict in found} == {(policy, True)}
    assert any(sentence in verdict.message for verdict in found), found


def test_one_role_of_a_pair_alone_is_a_violation() -> None:
    """The graph's verification, written for both roles, does not match either."""
    found = judged_by_others(in_prod(GRAPH, "chat-graph", "spec.components[1].type", "decode")())
    assert {(verdict.policy, verdict.mandatory) for verdict in found} == {("kv-transfer", True), ("proven", True)}
    assert any("only one of prefill and decode" in verdict.message for verdict in found), found


def test_every_rule_has_a_violation() -> None:
    violated = {policy for policy, _, _ in VIOLATIONS} | {policy for policy, *_ in CHANGES}
    assert violated | {"has-budget", "known-inputs", "known-kinds"} == {rule.name for rule in RULES}


PASSING = [
    lambda: changed(prod(), ":NodePool", "system-pool", "upgradeSettings.maxSurge", 3),
    lambda: changed(prod(), ":NodePool", "prefill-pool", "nodeCount", 3),
    lambda: changed(prod(), GRAPH, "chat-graph", f"{WORKER}.containers[0].image", f"{VLLM}@sha256:" + "a" * 64),
    lambda: added(prod(), DAEMON, daemon()),
    lambda: added(prod(), "kubernetes:core/v1:Service", {"spec": {"type": "ClusterIP"}}),
    # Pulumi unwraps secrets before a rule sees them.
    lambda: added(prod(), "kubernetes:core/v1:Secret", {"stringData": {"HF_TOKEN": "hf_" + "a" * 34}}),
    lambda: added(prod(), "gcp:secretmanager/secretVersion:SecretVersion", {"secretData": "hf_" + "a" * 34}),
    in_prod(":NetworkPolicy", "policies-default-deny", "spec.policyTypes", ["Ingress", "Egress"]),
    lambda: added(prod(), CONFIG_MAP, {"data": {"flags": "--disk-cache", "later": UNKNOWN}}),
    lambda: prod_with("network.rdma=none", "models.chat.kvTransfer=tcp"),
    lambda: prod_with("network.rdma=none", "models.chat.kvTransfer=tcp", "models.chat.layout=single-node"),
]


@pytest.mark.parametrize("recording", PASSING)
def test_what_is_allowed_passes(recording: Callable[[], Recording]) -> None:
    assert judged_by_others(recording(), policy_config.read(ROOT, "prod")) == []


def test_a_value_that_is_not_known_yet_is_a_violation() -> None:
    recording = changed(prod(), ":Cluster", "cluster-cluster", "privateClusterConfig.enablePrivateNodes", UNKNOWN)
    (verdict,) = judged(recording)
    assert (verdict.policy, verdict.level) == ("private-cluster", "mandatory")
    assert verdict.message == (
        "cannot be checked before creation: string value at .privateClusterConfig.enablePrivateNodes can't be "
        "known during preview; set a known value"
    )
    of_stack = changed(prod(), ":Job", "chat-proof-job", "spec.template.spec.containers[0].args", UNKNOWN)
    assert {(verdict.policy, verdict.level) for verdict in judged(of_stack)} == {
        (policy, "mandatory") for policy in ("known-inputs", "no-foreign-code", "no-admin-api", "proven")
    }


def test_a_verification_may_report_only_where_the_setting_allows_it() -> None:
    reported = prod_with("models.chat.verification=reported")
    assert {verdict.policy for verdict in judged(reported)} == {"proven"}
    found = judge(reported, policy_config.read(ROOT, "prod") | {"proven": {"reported": True}})
    assert found == []


@pytest.mark.parametrize("path", ["values", "values.global.etcd.install"])
def test_values_of_a_chart_that_nobody_knows_are_a_violation(path: str) -> None:
    unknown = changed(prod(), ":Release", "platform-release", path, UNKNOWN)
    assert "no-host-access" in {verdict.policy for verdict in judged(unknown) if verdict.mandatory}
