"""Clusters and VPCs that are there: what is not made, what is added, and that the graph stays the same."""

import json
from typing import Any

import pulumi
import pytest

from ops import policy_config, stackfile
from ops.recording import Recording, record
from ops.verdicts import judge
from tests.program.test_stacks import of_type
from tests.stacks import ROOT, config, recorded
from workloads.provider import kubeconfig

BY_NAME = {"name": "shared", "addGpuPools": True}
VPC = {"vpc": "my-vpc", "subnet": "gke"}


def run(changes: dict[str, Any], *, preview: bool = True) -> Recording:
    return record(ROOT, config({"labels": {"owner": "ml-platform", "costCenter": "1234"}, **changes}), preview=preview)


def made(recording: Recording) -> set[str]:
    """The Google Cloud types that are made."""
    types = {resource.type for resource in recording.resources}
    return {kind.rpartition(":")[2] for kind in types if kind.startswith(("gcp:container/", "gcp:compute/"))}


def unbound(graph: dict[str, Any]) -> dict[str, Any]:
    """A graph's spec without the node pools that pods are bound to."""
    spec = json.loads(json.dumps(graph["spec"]))
    for component in spec["components"]:
        selector = component["podTemplate"]["spec"].get("nodeSelector", {})
        selector.pop("cloud.google.com/gke-nodepool", None)
        component["podTemplate"]["spec"]["nodeSelector"] = selector
    return spec


@pytest.mark.parametrize("existing", [{"context": "lab"}, BY_NAME, {"name": "shared"}], ids=["context", "add", "name"])
def test_the_graph_is_the_same_in_a_cluster_that_is_there(existing: dict[str, Any]) -> None:
    (there,) = of_type(run({"cluster": {"existing": existing}}), ":DynamoGraphDeployment")
    (own,) = of_type(run({}), ":DynamoGraphDeployment")
    assert unbound(there.inputs) == unbound(own.inputs)
    selectors = [c["podTemplate"]["spec"].get("nodeSelector", {}) for c in there.inputs["spec"]["components"]]
    pools = [selector.get("cloud.google.com/gke-nodepool") for selector in selectors]
    assert pools == ([None, "prefill", "decode"] if existing.get("addGpuPools") else [None, None, None])
    assert [s.get("cloud.google.com/gke-accelerator") for s in selectors] == [None, *["nvidia-h200-141gb"] * 2]


def test_a_context_is_used_as_it_is_and_nothing_is_made_around_it() -> None:
    recording = run({"cluster": {"existing": {"context": "lab"}}}, preview=False)
    assert made(recording) == set()
    (provider,) = of_type(recording, "pulumi:providers:kubernetes")
    assert provider.inputs["context"] == "lab"
    assert "kubeconfig" not in provider.inputs
    assert provider.inputs["clusterIdentifier"] == "contexts/lab"
    (service,) = of_type(recording, "core/v1:Service")
    assert "networking.gke.io/load-balancer-ip-addresses" not in service.inputs["metadata"]["annotations"]
    assert recording.outputs["endpoints"] == {"chat": "http://10.0.0.100"}
    for job in of_type(recording, "batch/v1:Job"):
        assert "nodeSelector" not in job.inputs["spec"]["template"]["spec"]
    (release,) = of_type(recording, ":Release")
    assert "controllerManager" not in release.inputs["values"]["dynamo-operator"]


def test_pools_and_their_networks_are_added_to_a_cluster_by_name() -> None:
    recording = run({"cluster": {"existing": {**BY_NAME, "location": "europe-west1-b"}}})
    assert made(recording) == {"Address", "Firewall", "Network", "NodePool", "Subnetwork"}
    for pool in of_type(recording, ":NodePool"):
        assert pool.inputs["cluster"] == "projects/my-project/locations/europe-west1-b/clusters/shared"
        assert pool.inputs["location"] == "europe-west1-b"
        assert len(pool.inputs["networkConfig"]["additionalNodeNetworkConfigs"]) == 9
    names = {network.inputs["name"] for network in of_type(recording, "network:Network")}
    assert names == {"dynamo-prod-gvnic", "dynamo-prod-rdma"}
    (provider,) = of_type(recording, "pulumi:providers:kubernetes")
    server = json.loads(provider.inputs["kubeconfig"])["clusters"][0]["cluster"]["server"]
    assert server == "https://gke-existing.europe-west1.gke.goog"
    (address,) = of_type(recording, "address:Address")
    assert address.inputs["subnetwork"] == "projects/my-project/regions/europe-west1/subnetworks/existing"


def test_a_cluster_by_name_alone_gets_no_pools() -> None:
    recording = run({"cluster": {"existing": {"name": "shared"}}})
    assert made(recording) == {"Address"}
    assert of_type(recording, "account:Account") == []


def test_without_a_dns_endpoint_the_way_in_is_asked_for() -> None:
    with pytest.raises(pulumi.RunError, match="--enable-dns-access"):
        kubeconfig("")


def test_an_existing_vpc_gets_the_webhooks_rule_and_nothing_else() -> None:
    recording = run({"network": {"existing": VPC}}, preview=False)
    (cluster,) = of_type(recording, "cluster:Cluster")
    assert cluster.inputs["network"] == "projects/my-project/global/networks/my-vpc"
    assert cluster.inputs["subnetwork"] == "projects/my-project/regions/europe-west1/subnetworks/gke"
    assert {network.inputs["name"] for network in of_type(recording, "network:Network")} == {
        "dynamo-prod-gvnic",
        "dynamo-prod-rdma",
    }
    assert of_type(recording, ":RouterNat") == []
    (rule,) = [rule for rule in of_type(recording, ":Firewall") if rule.inputs["name"] == "dynamo-prod-webhook"]
    assert rule.inputs["sourceRanges"] == ["10.20.0.0/20"]
    assert rule.inputs["network"] == "projects/my-project/global/networks/my-vpc"


def test_a_shared_vpc_is_left_to_its_host_project() -> None:
    shared = {**VPC, "project": "host-project", "podsRange": "p", "servicesRange": "s"}
    recording = run({"network": {"existing": shared}})
    (cluster,) = of_type(recording, "cluster:Cluster")
    assert cluster.inputs["network"] == "projects/host-project/global/networks/my-vpc"
    assert cluster.inputs["ipAllocationPolicy"] == {"clusterSecondaryRangeName": "p", "servicesSecondaryRangeName": "s"}
    assert not [rule for rule in of_type(recording, ":Firewall") if rule.inputs["name"] == "dynamo-prod-webhook"]


@pytest.mark.parametrize(
    "changes",
    [{"cluster": {"existing": {"context": "lab"}}}, {"cluster": {"existing": BY_NAME}}, {"network": {"existing": VPC}}],
    ids=["context", "pools added", "VPC"],
)
def test_the_policy_pack_takes_it(changes: dict[str, Any]) -> None:
    budget = {"budget": {"monthlyUsd": 140000, "emails": ["a@example.com"]}}
    found = judge(run({**changes, **budget}), policy_config.read(stackfile.project_root(), "prod"))
    assert [verdict for verdict in found if verdict.mandatory] == []


def test_a_stack_of_its_own_is_as_before() -> None:
    assert {"Cluster", "NodePool", "Network", "RouterNat"} <= made(recorded("prod"))
