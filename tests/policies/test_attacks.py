"""Attacks on a stack's inputs: each changes one input or adds one resource, and must get a verdict."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.offline.recorded import UNKNOWN, Recording
from ops.offline.verdicts import Verdict, judge
from policies import kinds
from policies.pods import pod_specs
from policies.rules import RULES
from tests.policies.mutations import added, changed, judged_by_others, prod, with_gateway
from tests.stacks import SHIPPED, recorded

POD: dict[str, Any] = {"containers": [{"name": "main", "image": "tool:1.2.3"}]}
DAEMON = "kubernetes:apps/v1:DaemonSet"
GRAPH = "DynamoGraphDeployment"
WORKER = "spec.components[1].podTemplate.spec"
PUBLIC = {"ipBlock": {"cidr": "0.0.0.0/1"}}


def new(recording: Recording, judged_before: Recording | None = None) -> list[Verdict]:
    """The violations that a change adds; prod's budget exceeds the defaults, so some exist before."""
    known = _known(judged_before or prod())
    return [v for v in judged_by_others(recording) if (v.policy, v.urn, v.message) not in known]


_JUDGED: dict[int, tuple[Recording, set[tuple[str, str, str]]]] = {}
"""id of a recording → it, so that it keeps its id, and its violations. Tests share few unchanged recordings."""


def _known(recording: Recording) -> set[tuple[str, str, str]]:
    if id(recording) not in _JUDGED:
        found = {(v.policy, v.urn, v.message) for v in judged_by_others(recording)}
        _JUDGED[id(recording)] = recording, found
    return _JUDGED[id(recording)][1]


def stopped_by(recording: Recording, judged_before: Recording | None = None) -> set[str]:
    return {v.policy for v in new(recording, judged_before) if v.mandatory}


def daemon(**pod: Any) -> dict[str, Any]:
    return {"metadata": {"name": "tool"}, "spec": {"template": {"spec": {**POD, **pod}}}}


def contained(**container: Any) -> dict[str, Any]:
    return daemon(containers=[{**POD["containers"][0], **container}])


HOST_ACCESS: list[dict[str, Any]] = [
    daemon(hostNetwork=True),
    daemon(hostPID=True),
    daemon(volumes=[{"name": "x", "hostPath": {"path": "/"}}]),
    daemon(volumes=[{"name": "x", "nfs": {"server": "x", "path": "/"}}]),
    daemon(volumes=[{"name": "x", "csi": {"driver": "hostpath.csi.k8s.io"}}]),
    daemon(securityContext={"seccompProfile": {"type": "Unconfined"}}),
    daemon(securityContext={"appArmorProfile": {"type": "Unconfined"}}),
    daemon(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
    daemon(securityContext={"windowsOptions": {"hostProcess": True}}),
    contained(securityContext={"privileged": True}),
    contained(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
    contained(securityContext={"capabilities": {"add": ["IPC_LOCK"]}}),
    contained(securityContext={"procMount": "Unmasked"}),
    contained(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "x"}}),
    contained(ports=[{"containerPort": 80, "hostPort": 80}]),
    daemon(ephemeralContainers=[{"name": "e", "image": "tool:1.2.3", "securityContext": {"privileged": True}}]),
    daemon(initContainers=[{"name": "i", "image": "tool:1.2.3", "securityContext": {"privileged": True}}]),
]


@pytest.mark.parametrize("inputs", HOST_ACCESS)
@pytest.mark.parametrize(
    "kind",
    [
        DAEMON,
        "kubernetes:apps/v1:ReplicaSet",
        "kubernetes:core/v1:ReplicationController",
        "kubernetes:core/v1:PodTemplate",
        "kubernetes:apps/v1:DaemonSetPatch",
        "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet",
    ],
)
def test_no_pod_of_any_kind_gets_something_of_its_node(kind: str, inputs: dict[str, Any]) -> None:
    found = stopped_by(added(prod(), kind, inputs))
    assert found - {"known-kinds"} == {"no-host-access"}
    assert ("known-kinds" in found) == (kind != DAEMON)


def test_pods_in_lists_and_charts_are_seen() -> None:
    listed = {"items": [{"kind": "DaemonSet", **daemon(hostNetwork=True)}]}
    assert "no-host-access" in stopped_by(added(prod(), "kubernetes:apps/v1:DaemonSetList", listed))
    in_values = changed(prod(), ":Release", "platform-release", "values", {"agent": {"hostNetwork": True}})
    assert stopped_by(in_values) == {"no-host-access", "known-charts"}


@pytest.mark.parametrize("source", ["hostPath", "local", "nfs", "iscsi"])
def test_no_volume_is_a_path_of_a_node(source: str) -> None:
    inputs = {"metadata": {"name": "v"}, "spec": {"capacity": {"storage": "1Gi"}, source: {"path": "/"}}}
    assert stopped_by(added(prod(), kinds.PERSISTENT_VOLUME, inputs)) == {"no-host-access"}


@pytest.mark.parametrize(
    "image",
    [
        "x", "x:latest", "x:main", "x:stable", "x:nightly-2", "x:main@", "x:1.2@", "x:1.2@sha256:abc",
        f"x:latest@sha256:{'a' * 64}", "x:1.2-latest", "r:5000/x", "x@sha256:" + "A" * 64, "x:v", "x:sha-abc",
        "x:1", "x:3", "x:v1", "x:25-py3", "x:1-rolling", "x:1-canary",
        "x:1-next", "x:1.0-snapshot", "x:0.0.0-development", "x:1.2.3-alpine", "x:1.2-py3-nightly",
    ],
)  # fmt: skip
def test_a_moving_image_is_refused(image: str) -> None:
    assert stopped_by(added(prod(), DAEMON, contained(image=image))) == {"pinned"}


@pytest.mark.parametrize(
    "image",
    [
        "x:1.2",
        "x:v1.2.3",
        "r:5000/x:25.11-py3",
        f"x@sha256:{'a' * 64}",
        f"x:1.2@sha256:{'a' * 64}",
        "x:1.2.3-rc1",
        "x:1.2.3-gke.4",
        "x:1.2.3-cuda13.0-py3",
    ],
)  # fmt: skip
def test_a_pinned_image_passes(image: str) -> None:
    assert new(added(prod(), DAEMON, contained(image=image))) == []


CLUSTER = (":Cluster", "cluster-cluster")
SYSTEM = (":NodePool", "system-pool")
DECODE = (":NodePool", "decode-pool")
KUBELET = "nodeConfig.kubeletConfig"
CERTIFICATE = {"clientCertificateConfig": {"issueClientCertificate": True}}
ACCOUNT = "nodeConfig.serviceAccount"
DEFAULT = "123-compute@developer.gserviceaccount.com"
BINDING = (":RoleBinding", "chat-proof-binding")
SERVICE = (":Service", "chat-endpoint-service")

CHANGES: list[tuple[str, str, str, str, Any]] = [
    ("private-cluster", ":NodePool", "prefill-pool", "networkConfig.enablePrivateNodes", False),
    ("private-cluster", *SYSTEM, "networkConfig", {}),
    ("private-cluster", *CLUSTER, "privateClusterConfig.enablePrivateNodes", "true"),
    ("hardened-nodes", *CLUSTER, "enableLegacyAbac", True),
    ("hardened-nodes", *CLUSTER, "enableShieldedNodes", False),
    ("hardened-nodes", *CLUSTER, "enableShieldedNodes", None),
    ("hardened-nodes", *CLUSTER, "workloadIdentityConfig", None),
    ("hardened-nodes", *CLUSTER, "workloadIdentityConfig.workloadPool", "other.svc.id.goog"),
    ("hardened-nodes", *CLUSTER, "clusterAutoscaling.enabled", True),
    ("hardened-nodes", *CLUSTER, "nodePools", [{"name": "x"}]),
    ("hardened-nodes", *CLUSTER, "masterAuth", CERTIFICATE),
    ("hardened-nodes", *SYSTEM, "nodeConfig.workloadMetadataConfig.mode", "GCE_METADATA"),
    ("hardened-nodes", *SYSTEM, "nodeConfig.workloadMetadataConfig", None),
    ("hardened-nodes", *DECODE, f"{KUBELET}.insecureKubeletReadonlyPortEnabled", "TRUE"),
    ("hardened-nodes", ":NodePool", "decode-pool", "nodeConfig.kubeletConfig", {}),
    ("hardened-nodes", *DECODE, f"{KUBELET}.allowedUnsafeSysctls", ["kernel.*"]),
    ("hardened-nodes", ":NodePool", "decode-pool", "nodeConfig.shieldedInstanceConfig.enableSecureBoot", False),
    ("hardened-nodes", ":NodePool", "decode-pool", "nodeConfig.metadata", {}),
    ("node-identity", *SYSTEM, ACCOUNT, DEFAULT),
    ("node-identity", *SYSTEM, ACCOUNT, "my-project@appspot.gserviceaccount.com"),
    ("node-identity", *SYSTEM, ACCOUNT, "service-1@compute-system.iam.gserviceaccount.com"),
    ("node-identity", *SYSTEM, ACCOUNT, "service-1@my-project.iam.gserviceaccount.com"),
    ("known-grants", ":IAMMember", "nodes-reader", "role", "roles/owner"),
    ("known-grants", ":IAMMember", "nodes-reader", "role", "roles/editor"),
    ("known-grants", ":IAMMember", "nodes-reader", "role", UNKNOWN),
    ("known-grants", ":IAMMember", "nodes-reader", "member", "allUsers"),
    ("known-grants", ":BucketIAMMember", "model-weights-may-write", "member", "allAuthenticatedUsers"),
    ("known-grants", ":IAMMember", "nodes-reader", "role", "roles/compute.admin"),
    ("known-grants", ":BucketIAMMember", "model-weights-may-write", "member", "domain:example.com"),
    ("known-charts", ":Release", "platform-release", "chart", "https://attacker.example/x.tgz"),
    ("pinned", ":Release", "platform-release", "version", "1.x"),
    ("known-roles", *BINDING, "roleRef", {"kind": "ClusterRole", "name": "cluster-admin"}),
    ("known-roles", *BINDING, "subjects[0]", {"kind": "Group", "name": "system:authenticated"}),
    ("known-roles", ":Role", "chat-proof-role", "rules[0].verbs", ["*"]),
    ("known-roles", ":Role", "chat-proof-role", "rules[0].resources", ["secrets"]),
    ("inner-sources", ":Firewall", "network-webhook", "sourceRanges", ["0.0.0.0/0"]),
    ("inner-sources", ":Firewall", "network-webhook", "sourceRanges", ["0.0.0.0/1", "128.0.0.0/1"]),
    ("inner-sources", ":Firewall", "network-webhook", "sourceRanges", ["2000::/3"]),
    ("inner-sources", ":Firewall", "network-webhook", "sourceRanges", []),
    # Identity-Aware Proxy, which the program does not use.
    ("inner-sources", ":Firewall", "network-webhook", "sourceRanges", ["35.235.240.0/20"]),
    ("named-peers", ":NetworkPolicy", "policies-default-deny", "spec.ingress", [{}]),
    ("named-peers", ":NetworkPolicy", "policies-default-deny", "spec.ingress", [{"from": []}]),
    ("named-peers", ":NetworkPolicy", "policies-default-deny", "spec.ingress", [{"from": [PUBLIC]}]),
    ("named-peers", ":NetworkPolicy", "policies-default-deny", "spec.ingress", [{"from": [{"namespaceSelector": {}}]}]),
    ("named-peers", ":NetworkPolicy", "policies-default-deny", "spec.ingress", [{"from": [{"podSelector": {}}]}]),
    ("internal-service", *SERVICE, "spec.type", "NodePort"),
    ("internal-service", *SERVICE, "spec.type", "ExternalName"),
    ("internal-service", *SERVICE, "spec.externalIPs", ["203.0.113.7"]),
    ("internal-service", *SERVICE, "metadata.annotations", {"networking.gke.io/load-balancer-type": "internal"}),
    ("gpu-budget", ":NodePool", "prefill-pool", "nodeLocations", []),
    ("gpu-budget", *SYSTEM, "nodeConfig.machineType", "a3-megagpu-8g"),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "suffix", "name", "path", "value"), CHANGES)
def test_a_changed_input_is_stopped(policy: str, suffix: str, name: str, path: str, value: Any) -> None:
    assert policy in stopped_by(changed(prod(), suffix, name, path, value))


@pytest.mark.parametrize("surge", [1, None])
def test_a_gpu_pool_is_one_by_its_machine_type_too(surge: int | None) -> None:
    bare = changed(prod(), ":NodePool", "prefill-pool", "nodeConfig.guestAccelerators", [])
    assert stopped_by(changed(bare, ":NodePool", "prefill-pool", "upgradeSettings.maxSurge", surge)) == {"no-gpu-surge"}


PINNING = {"securityContext": {"capabilities": {"add": ["IPC_LOCK"]}}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("components[0].podTemplate.spec.containers[0].securityContext", PINNING["securityContext"]),
        ("components[1].podTemplate.spec.initContainers", [{"name": "i", "image": "tool:1.2.3", **PINNING}]),
        ("components[1].type", "planner"),
    ],
)
def test_the_capabilities_for_rdma_are_for_engines_alone(path: str, value: Any) -> None:
    assert "no-host-access" in stopped_by(changed(prod(), GRAPH, "chat-graph", f"spec.{path}", value))


def test_an_allow_all_policy_that_is_added_is_stopped() -> None:
    inputs = {"metadata": {"name": "x", "namespace": "dynamo"}, "spec": {"podSelector": {}, "ingress": [{}]}}
    assert stopped_by(added(prod(), kinds.NETWORK_POLICY, inputs)) == {"named-peers", "fenced"}


UNKNOWN_KINDS = [
    "gcp:compute/forwardingRule:ForwardingRule",
    "gcp:compute/globalForwardingRule:GlobalForwardingRule",
    "gcp:compute/instance:Instance",
    "gcp:projects/iAMBinding:IAMBinding",
    "gcp:projects/iAMPolicy:IAMPolicy",
    "gcp:storage/bucketIAMBinding:BucketIAMBinding",
    "gcp:storage/bucketACL:BucketACL",
    "gcp:storage/defaultObjectAccessControl:DefaultObjectAccessControl",
    "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule",
    "kubernetes:networking.k8s.io/v1:Ingress",
    "kubernetes:gateway.networking.k8s.io/v1beta1:Gateway",
    "kubernetes:gateway.networking.k8s.io/v1beta1:HTTPRoute",
    "kubernetes:gateway.networking.k8s.io/v1:GRPCRoute",
    "kubernetes:gateway.networking.k8s.io/v1alpha2:TCPRoute",
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBindingList",
    "kubernetes:core/v1:ServicePatch",
    "kubernetes:core/v1:NamespacePatch",
    "kubernetes:v1:Service",
    "kubernetes:yaml/v2:ConfigFile",
    "kubernetes:helm.sh/v4:Chart",
    "command:local:Command",
]


@pytest.mark.parametrize("kind", UNKNOWN_KINDS)
def test_a_type_that_no_rule_judges_is_stopped(kind: str) -> None:
    recording = added(prod(), kind, {"metadata": {"name": "x"}})
    assert "known-kinds" in stopped_by(recording)
    allowed = judge(recording, {"known-kinds": {"allowed": [kind]}})
    assert "known-kinds" not in {v.policy for v in allowed}


def test_only_the_agent_of_gke_may_manage_networks() -> None:
    grant = {"project": "my-project", "role": "roles/compute.networkAdmin"}
    agent = "serviceAccount:service-12@container-engine-robot.iam.gserviceaccount.com"
    kind = "gcp:projects/iAMMember:IAMMember"
    assert new(added(prod(), kind, {**grant, "member": agent})) == []
    other = {**grant, "member": "serviceAccount:x@my-project.iam.gserviceaccount.com"}
    assert stopped_by(added(prod(), kind, other)) == {"known-grants"}


def test_an_hmac_key_is_a_key() -> None:
    assert stopped_by(added(prod(), kinds.HMAC_KEY, {"serviceAccountEmail": "x"})) == {"no-service-account-key"}


def leaves(value: Any, path: str = "") -> list[str]:
    """The paths of all inputs, blocks and lists included."""
    if isinstance(value, dict):
        below = [
            (f"{path}.{key}".lstrip("."), inner) for key, inner in value.items() if "." not in key and "/" not in key
        ]
    elif isinstance(value, list):
        below = [(f"{path}[{index}]", inner) for index, inner in enumerate(value)]
    else:
        return []
    return [found for name, inner in below for found in (name, *leaves(inner, name))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_an_unknown_value_switches_no_rule_off(data: st.DataObject) -> None:
    """An unknown value never makes a rule advisory, and never hides a violation elsewhere."""
    recording = data.draw(st.sampled_from([*map(recorded, SHIPPED), with_gateway()]))
    resource = data.draw(st.sampled_from([r for r in recording.resources if leaves(r.inputs)]))
    path = data.draw(st.sampled_from(leaves(resource.inputs)))
    unknown = changed(recording, resource.type, resource.name, path, UNKNOWN)
    assert [v for v in judge(unknown) if v.message.startswith("can't run")] == []
    before = {v.policy for v in judge(added(recording, DAEMON, daemon(hostNetwork=True)))}
    after = {v.policy for v in judge(added(unknown, DAEMON, daemon(hostNetwork=True)))}
    assert before <= after


def test_one_unknown_pool_hides_no_other() -> None:
    unknown = changed(prod(), ":NodePool", "decode-pool", "nodeCount", UNKNOWN)
    many = changed(unknown, ":NodePool", "prefill-pool", "nodeCount", 9)
    found = [v for v in judge(many) if v.policy == "gpu-budget"]
    assert any("9 GPU nodes" in v.message for v in found)
    assert any("cannot be checked before creation" in v.message and v.urn.endswith("decode-pool") for v in found)
    assert all(v.mandatory for v in found)


def test_every_rule_fails_closed_at_its_own_level() -> None:
    unknown = changed(prod(), *CLUSTER, "privateClusterConfig.enablePrivateNodes", UNKNOWN)
    assert [v.level for v in new(unknown)] == ["mandatory"]
    (verdict,) = [v for v in judge(unknown, {"private-cluster": "advisory"}) if v.policy == "private-cluster"]
    assert verdict.level == "advisory"
    assert all(rule.description for rule in RULES)


SAFE: dict[str, tuple[str, ...]] = {
    kinds.CLUSTER: (
        "privateClusterConfig.enablePrivateNodes", "controlPlaneEndpointsConfig.ipEndpointsConfig.enabled",
        "enableShieldedNodes", "workloadIdentityConfig.workloadPool",
    ),
    kinds.NODE_POOL: (
        "networkConfig.enablePrivateNodes", "nodeConfig.workloadMetadataConfig.mode",
        "nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled",
        "nodeConfig.shieldedInstanceConfig.enableSecureBoot", "nodeConfig.metadata.disable-legacy-endpoints",
    ),
    kinds.BUCKET: ("uniformBucketLevelAccess", "publicAccessPrevention"),
}  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_safe_value_may_not_become_another(data: st.DataObject) -> None:
    """Every value that keeps a resource safe, replaced by another one of any type, gets a mandatory verdict."""
    recording = data.draw(st.sampled_from(list(map(recorded, SHIPPED))))
    resource = data.draw(st.sampled_from([r for r in recording.resources if r.type in SAFE]))
    path = data.draw(st.sampled_from(SAFE[resource.type]))
    right = changed_from(recording, resource.urn, path)
    other = data.draw(st.sampled_from([None, True, False, "", "true", "FALSE", "TRUE", 0, 1, [], {}]))
    if other == right and type(other) is type(right):
        return
    mutated = changed(recording, resource.type, resource.name, path, other)
    assert stopped_by(mutated, recording), (resource.name, path, right, other)


def changed_from(recording: Recording, urn: str, path: str) -> Any:
    here: Any = recording.by_urn()[urn].inputs
    for key in path.split("."):
        here = here[key]
    return here


BREAKING: list[Callable[[dict[str, Any]], None]] = [
    lambda pod: pod.update(hostNetwork=True),
    lambda pod: pod.update(hostIPC=True),
    lambda pod: pod.setdefault("volumes", []).append({"name": "h", "hostPath": {"path": "/"}}),
    lambda pod: pod["containers"][0].update(image="x:latest"),
    lambda pod: pod["containers"][0].update(securityContext={"privileged": True}),
    lambda pod: pod["containers"][0].update(securityContext={"capabilities": {"add": ["ALL"]}}),
    lambda pod: pod["containers"][0].update(ports=[{"hostPort": 1}]),
    lambda pod: pod.update(
        ephemeralContainers=[{"name": "e", "image": "x:1", "securityContext": {"privileged": True}}]
    ),
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_pod_of_every_stack_is_judged(data: st.DataObject) -> None:
    from copy import deepcopy

    recording = data.draw(st.sampled_from(list(map(recorded, SHIPPED))))
    with_pods = [r for r in recording.resources if list(pod_specs(r.type, r.inputs))]
    resource = data.draw(st.sampled_from(with_pods))
    inputs = deepcopy(dict(resource.inputs))
    pod: Any = data.draw(st.sampled_from(list(pod_specs(resource.type, inputs))))
    data.draw(st.sampled_from(BREAKING))(pod)
    mutated = replace(
        recording,
        resources=tuple(replace(r, inputs=inputs) if r is resource else r for r in recording.resources),
    )
    assert stopped_by(mutated, recording) & {"no-host-access", "pinned"}
