"""What must exist before what is created, by dependencies and not by chance: each missing one is a complaint."""

from typing import Any

import pytest

from ops.rehearsal.engine import creation_order

_HEAD = "urn:pulumi:prod::dynamo-gke::dynamo-gke"
NAT = f"{_HEAD}:infra:Network$gcp:compute/routerNat:RouterNat::network-nat"
CLUSTER = f"{_HEAD}:infra:Cluster$gcp:container/cluster:Cluster::cluster-cluster"
POLICY = f"{_HEAD}:workloads:NetworkPolicies$kubernetes:networking.k8s.io/v1:NetworkPolicy::policies-chat-pods"
WEIGHTS = f"{_HEAD}:workloads:Weights$kubernetes:batch/v1:Job::model-weights-card"
GRAPH = f"{_HEAD}:workloads:ServingGraph$kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment::chat-graph"
PROOF = f"{_HEAD}:workloads:Verification$kubernetes:batch/v1:Job::chat-proof-job"
SERVICE = f"{_HEAD}:workloads:Endpoint$kubernetes:core/v1:Service::chat-endpoint-service"
ENDPOINT = f"{_HEAD}:workloads:Endpoint::chat-endpoint"
WHOLE: dict[str, dict[str, Any]] = {
    NAT: {},
    CLUSTER: {"dependencies": [NAT]},
    POLICY: {"dependencies": [CLUSTER]},
    WEIGHTS: {"dependencies": [CLUSTER]},
    GRAPH: {"dependencies": [WEIGHTS, POLICY]},
    PROOF: {"dependencies": [GRAPH]},
    ENDPOINT: {"dependencies": [PROOF]},
    SERVICE: {"parent": ENDPOINT},
}
MUTANTS: list[tuple[str, str, list[str], str]] = [
    (
        "the graph does not wait for its weights", GRAPH, [POLICY],
        "DynamoGraphDeployment chat-graph does not depend on Job model-weights-card: the graph may be created before "
        "the weights Job",
    ),
    (
        "the graph does not wait for the NetworkPolicies", GRAPH, [WEIGHTS],
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


def test_a_graph_needs_nothing_of_another_graph() -> None:
    def other(urn: str) -> str:
        return urn.replace("::chat-", "::chat-big-")

    more = {other(GRAPH): {"dependencies": [WEIGHTS, POLICY]}, other(PROOF): {"dependencies": [other(GRAPH)]}}
    assert list(creation_order.violations(state(more))) == []
    swapped = {**more, other(PROOF): {"dependencies": [GRAPH]}}
    (said,) = creation_order.violations(state(swapped))
    assert said.startswith("Job chat-big-proof-job does not depend on DynamoGraphDeployment chat-big-graph")
