"""What must exist before what is created, by dependencies and not by chance: each missing one is a complaint."""

import re
from typing import Any

import pytest

from ops.rehearsal.engine import creation_order
from planning import names

_HEAD = "urn:pulumi:prod::dynamo-gke::dynamo-gke"
NAT = f"{_HEAD}:infra:Network$gcp:compute/routerNat:RouterNat::network-nat"
CLUSTER = f"{_HEAD}:infra:Cluster$gcp:container/cluster:Cluster::cluster-cluster"
POLICY = f"{_HEAD}:workloads:NetworkPolicies$kubernetes:networking.k8s.io/v1:NetworkPolicy::policies-chat-pods"
WEIGHTS = f"{_HEAD}:workloads:Weights$kubernetes:batch/v1:Job::model-weights-card"
GRAPH = f"{_HEAD}:workloads:ServingGraph$kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment::chat-graph"
ACCOUNT = (
    f"{_HEAD}:workloads:RuntimeIdentity$kubernetes:rbac.authorization.k8s.io/v1:RoleBinding::chat-identity-binding"
)
PROOF = f"{_HEAD}:workloads:Verification$kubernetes:batch/v1:Job::chat-proof-job"
SERVICE = f"{_HEAD}:workloads:Endpoint$kubernetes:core/v1:Service::chat-endpoint-service"
ENDPOINT = f"{_HEAD}:workloads:Endpoint::chat-endpoint"
WHOLE: dict[str, dict[str, Any]] = {
    NAT: {},
    CLUSTER: {"dependencies": [NAT]},
    POLICY: {"dependencies": [CLUSTER]},
    WEIGHTS: {"dependencies": [CLUSTER]},
    ACCOUNT: {"dependencies": [CLUSTER]},
    GRAPH: {"dependencies": [WEIGHTS, POLICY, ACCOUNT]},
    PROOF: {"dependencies": [GRAPH]},
    ENDPOINT: {"dependencies": [PROOF]},
    SERVICE: {"parent": ENDPOINT},
}
MUTANTS: list[tuple[str, str, list[str], str]] = [
    (
        "the graph does not wait for its weights", GRAPH, [POLICY, ACCOUNT],
        "DynamoGraphDeployment chat-graph does not depend on Job model-weights-card: the graph may be created before "
        "the weights Job",
    ),
    (
        "the graph does not wait for the NetworkPolicies", GRAPH, [WEIGHTS, ACCOUNT],
        "DynamoGraphDeployment chat-graph does not depend on NetworkPolicy policies-chat-pods: the graph may be "
        "created before the NetworkPolicy",
    ),
    (
        "the endpoint does not wait for the verification", ENDPOINT, [GRAPH],
        "Service chat-endpoint-service does not depend on Job chat-proof-job: the endpoint may be created before the "
        "verification",
    ),
    (
        "the verification does not wait for the graph", PROOF, [WEIGHTS, POLICY],
        "Job chat-proof-job does not depend on DynamoGraphDeployment chat-graph: the verification may be created "
        "before the graph",
    ),
    (
        "the cluster does not wait for Cloud NAT", CLUSTER, [],
        "Cluster cluster-cluster does not depend on RouterNat network-nat: the cluster may be created before Cloud NAT",
    ),
]  # fmt: skip


def state(changed: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"urn": urn, **rest} for urn, rest in {**WHOLE, **changed}.items()]


def test_a_whole_stack_has_its_order() -> None:
    assert list(creation_order.violations(state({}))) == []


@pytest.mark.parametrize(("urn", "needs", "said"), [m[1:] for m in MUTANTS], ids=[m[0] for m in MUTANTS])
def test_a_missing_dependency_is_named(urn: str, needs: list[str], said: str) -> None:
    assert list(creation_order.violations(state({urn: {"dependencies": needs}}))) == [said]


def without(*urns: str) -> list[str]:
    return [*creation_order.violations(each for each in state({}) if each["urn"] not in urns)]


def test_what_does_not_exist_is_named() -> None:
    absent = "which the stack does not have"
    assert without(POLICY, ACCOUNT, PROOF) == [
        f"DynamoGraphDeployment chat-graph needs the NetworkPolicy before it, {absent}",
        f"DynamoGraphDeployment chat-graph needs the graph's binding before it, {absent}",
        f"DynamoGraphDeployment chat-graph needs the verification after it, {absent}",
        f"Service chat-endpoint-service needs the verification before it, {absent}",
    ]


def test_a_renamed_component_does_not_hide_its_objects() -> None:
    renamed = POLICY.replace("NetworkPolicies$", "Policies$")
    (said,) = creation_order.violations(
        each for each in state({renamed: {"dependencies": [CLUSTER]}}) if each["urn"] != POLICY
    )
    assert said.startswith("DynamoGraphDeployment chat-graph does not depend on NetworkPolicy policies-chat-pods")


@pytest.mark.parametrize(
    ("kind", "token"),
    [
        ("kubernetes:core/v1:Secret::workloads-hf-token", names.HF_TOKEN_SECRET),
        ("kubernetes:secret-sync.gke.io/v1:SecretSync::token-sync", names.SYNCED_HF_TOKEN_SECRET),
    ],
)
def test_what_reads_the_token_waits_for_it(kind: str, token: str) -> None:
    source = {"secretKeyRef": {"name": token, "key": names.HF_TOKEN_KEY}}
    container = {"name": "fetch", "env": [{"name": "HF_TOKEN", "valueFrom": source}]}
    job = {"kind": "Job", "metadata": {"name": "w"}, "spec": {"template": {"spec": {"containers": [container]}}}}
    reads: dict[str, Any] = {"dependencies": [CLUSTER], "inputs": job}
    (said,) = creation_order.violations(state({WEIGHTS: reads}))
    assert re.match(r"Job model-weights-card needs the (synced )?token before it", said)
    secret = f"{_HEAD}:workloads:Any${kind}"
    has = {secret: {"dependencies": [CLUSTER]}, GRAPH: {"dependencies": [WEIGHTS, POLICY, ACCOUNT, secret]}}
    (said,) = creation_order.violations(state({**has, WEIGHTS: reads}))
    assert said.startswith("Job model-weights-card does not depend on Secret")
    reads["dependencies"].append(secret)
    assert list(creation_order.violations(state({**has, WEIGHTS: reads}))) == []


def test_a_graph_needs_nothing_of_another_graph() -> None:
    def other(urn: str) -> str:
        return urn.replace("::chat-", "::chat-big-")

    more = {
        other(ACCOUNT): {"dependencies": [CLUSTER]},
        other(GRAPH): {"dependencies": [WEIGHTS, POLICY, other(ACCOUNT)]},
        other(PROOF): {"dependencies": [other(GRAPH)]},
    }
    assert list(creation_order.violations(state(more))) == []
    swapped = {**more, other(PROOF): {"dependencies": [GRAPH]}}
    (said,) = creation_order.violations(state(swapped))
    assert said.startswith("Job chat-big-proof-job does not depend on DynamoGraphDeployment chat-big-graph")
