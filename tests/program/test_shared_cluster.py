"""Several stacks in one existing cluster: nothing of one has the name of anything of another."""

from typing import Any

import pytest

from ops.offline import policy_config, stackfile
from ops.offline.recorded import Recording, Resource
from ops.offline.recording import record
from ops.offline.verdicts import judge
from planning import names
from tests.program.test_stacks import of_type
from tests.stacks import ROOT, config, errors, planned

LABELS = {"owner": "ml-platform", "costCenter": "1234"}
GATEWAY = {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}
STACKS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "GPU pools added": {"cluster.existing.addGpuPools": True},
    "networks that pods name": {
        "cluster.existing.addGpuPools": True,
        "network.rdma": "multiNetwork",
    },
    "a public gateway": {"endpoint": GATEWAY, "network.ranges": {"proxies": "10.9.0.0/23"}},
    "a token of Secret Manager": {"secrets": {"store": "secretManager"}},
    "autoscaled": {
        "cluster.existing.addGpuPools": True,
        "models.chat.autoscaling": {"decode": {"min": 1, "max": 3}},
    },
    "by a context": {"cluster.existing": {"context": "lab", "platform": "shared"}},
}


def run(stack: str, changes: dict[str, Any]) -> Recording:
    existing = {"cluster.existing.name": "shared", "cluster.existing.platform": "shared"}
    return record(ROOT, config({"labels": LABELS, **existing, **changes}, stack=stack), preview=False)


def physical(resource: Resource) -> tuple[str, str, str] | None:
    """Type, namespace or place, and name of what a resource is outside of Pulumi; None of what is shared or has none.

    APIs are switched on by every stack; a cloud resource without a name gets one that nobody else has.
    """
    if not resource.type.startswith(("kubernetes:", "gcp:")) or resource.type == "gcp:projects/service:Service":
        return None
    inputs = resource.inputs
    metadata = inputs.get("metadata") or inputs
    name = metadata.get("name") or inputs.get("accountId") or inputs.get("secretId")
    return name and (resource.type, str(metadata.get("namespace") or ""), str(name))


@pytest.mark.parametrize("changes", STACKS.values(), ids=STACKS)
def test_no_two_stacks_of_a_cluster_make_the_same_object(changes: dict[str, Any]) -> None:
    made = {stack: {physical(r) for r in run(stack, changes).resources} - {None} for stack in ("prod", "staging")}
    assert all(len(objects) > 15 for objects in made.values())
    assert made["prod"] & made["staging"] == set()


@pytest.mark.parametrize("changes", STACKS.values(), ids=STACKS)
def test_what_refers_to_an_object_refers_to_the_stacks_own(changes: dict[str, Any]) -> None:
    """No input of an object names a namespace that is not the stack's."""
    recording = run("prod", changes)
    assert {namespace for _, namespace, _ in filter(None, map(physical, recording.resources)) if namespace} == {
        "dynamo-prod"
    }
    # A script is the same everywhere; what it is told is in its Job.
    objects = [r for r in recording.resources if r.type.startswith("kubernetes:") and not r.type.endswith(":ConfigMap")]
    found = str([r.inputs for r in objects])
    for own_clusters in ("'dynamo'", ".dynamo.svc", "dynamo/chat", "/ns/dynamo/"):
        assert own_clusters not in found


def test_pods_find_what_is_made_for_them() -> None:
    recording = run("prod", STACKS["networks that pods name"])
    (volume,) = of_type(recording, ":PersistentVolume")
    (claim,) = of_type(recording, ":PersistentVolumeClaim")
    assert claim.inputs["spec"]["volumeName"] == volume.inputs["metadata"]["name"] == "dynamo-prod-weights"
    assert volume.inputs["spec"]["claimRef"] == {"name": "weights", "namespace": "dynamo-prod"}
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    pools = {pool.inputs["name"] for pool in of_type(recording, ":NodePool")}
    networks = {n.inputs["metadata"]["name"] for n in of_type(recording, "networking.gke.io/v1:Network")}
    for component in graph.inputs["spec"]["components"][1:]:
        pod = component["podTemplate"]["spec"]
        assert pod["nodeSelector"]["cloud.google.com/gke-nodepool"] in pools
        asked = pod["containers"][0]["resources"]["limits"]
        named = {key.partition("/")[2] for key in asked if key.startswith("networking.gke.io.networks/")}
        assert named == networks - {"dynamo-prod-gvnic-1"}
    readers = {m.inputs["member"].partition("/subject/")[2] for m in of_type(recording, ":BucketIAMMember")}
    assert readers == {"ns/dynamo-prod/sa/chat-runtime", "ns/dynamo-prod/sa/weights-writer"}


def test_networks_of_nodes_that_the_cluster_has_keep_their_names() -> None:
    recording = run("prod", {"network.rdma": "multiNetwork"})
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    limits = graph.inputs["spec"]["components"][1]["podTemplate"]["spec"]["containers"][0]["resources"]["limits"]
    assert "networking.gke.io.networks/rdma-0" in limits


def test_a_shared_operator_is_not_installed_again() -> None:
    shared = run("prod", {})
    assert of_type(shared, ":Release") == []
    assert [n.inputs["metadata"]["name"] for n in of_type(shared, ":Namespace")] == ["dynamo-prod"]
    installed = run("prod", {"cluster.existing.platform": "install"})
    (release,) = of_type(installed, ":Release")
    assert release.inputs["namespace"] == "dynamo-prod-system"
    namespaces = {n.inputs["metadata"]["name"] for n in of_type(installed, ":Namespace")}
    assert namespaces == {"dynamo-prod", "dynamo-prod-system"}


@pytest.mark.parametrize("platform", ["install", "shared"])
def test_the_policy_pack_takes_it(platform: str) -> None:
    budget = {"budget": {"monthlyUsd": 140000, "emails": ["a@example.com"]}}
    recording = run("prod", {"cluster.existing.platform": platform, **budget})
    found = judge(recording, policy_config.read(stackfile.project_root(), "prod"))
    assert [verdict for verdict in found if verdict.mandatory] == []


def test_the_names_of_a_cluster_of_its_own_stay() -> None:
    own = planned()
    assert (own.namespace, own.platform_namespace) == ("dynamo", "dynamo-system")
    assert [pool.name for pool in own.gpu_pools] == ["decode", "prefill"]
    assert names.cluster_scoped(own.namespace, names.WEIGHTS_CLAIM) == "weights"


def test_a_stack_from_before_keeps_its_names_by_a_setting() -> None:
    recording = run("prod", {"cluster.existing": {"name": "shared", "namespace": "dynamo", "addGpuPools": True}})
    namespaces = {n.inputs["metadata"]["name"] for n in of_type(recording, ":Namespace")}
    assert namespaces == {"dynamo", "dynamo-system"}
    (volume,) = of_type(recording, ":PersistentVolume")
    assert volume.inputs["metadata"]["name"] == "weights"
    assert {pool.inputs["name"] for pool in of_type(recording, ":NodePool")} == {"prefill", "decode"}


@pytest.mark.parametrize(
    ("stack", "namespace", "says"),
    [
        ("x-system", None, "dynamo-x-system cannot be used: namespaces that end in -system belong to operators"),
        ("system", None, "dynamo-system cannot be used"),
        ("prod", "team-system", "team-system cannot be used"),
        ("prod", "kube-llm", "the cluster itself uses it"),
        ("prod", "default", "the cluster itself uses it"),
        ("prod", "Team", "Team"),
        ("prod", "a" * 33, "a" * 33),
    ],
)
def test_a_namespace_that_others_use_is_refused(stack: str, namespace: str | None, says: str) -> None:
    existing = {"name": "shared"} | ({"namespace": namespace} if namespace else {})
    (error,) = errors({"cluster": {"existing": existing}}, stack=stack)
    assert error.path == "cluster.existing.namespace"
    assert says in error.message


@pytest.mark.parametrize("stack", ["x-system", "system", "a-very-long-name"])
def test_the_namespace_that_is_proposed_can_be_used(stack: str) -> None:
    (error,) = errors({"cluster": {"existing": {"name": "shared", "namespace": "kube-x"}}}, stack=stack)
    proposed = error.message.rpartition("such as ")[2]
    assert errors({"cluster": {"existing": {"name": "shared", "namespace": proposed}}}, stack=stack) == ()


def test_dashboard_and_alerts_look_at_the_stacks_own_graphs() -> None:
    recording = run("prod", {})
    (dashboard,) = of_type(recording, ":Dashboard")
    alerts = of_type(recording, ":AlertPolicy")
    assert 'namespace=\\"dynamo-prod\\"' in dashboard.inputs["dashboardJson"].replace('\\\\\\"', '\\"')
    assert all(alert.inputs["displayName"].startswith("shared/dynamo-prod: ") for alert in alerts)
    queries = [str(alert.inputs["conditions"]) for alert in alerts]
    assert not any('namespace="dynamo"' in query for query in queries)
    assert any('namespace="dynamo-prod"' in query for query in queries)
