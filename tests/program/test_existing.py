"""Existing clusters and VPCs: what is not created, what is added, and that the graph stays the same."""

import json
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs

from ops.offline import policy_config, stackfile
from ops.offline.canned_answers import GET_CLUSTER, Answers, Canned
from ops.offline.recorded import ProgramFailed, Recording
from ops.offline.recording import record
from ops.offline.verdicts import judge
from tests.program.test_stacks import of_type
from tests.stacks import ROOT, config, recorded
from workloads.provider import kubeconfig

BY_NAME = {"name": "shared", "addGpuPools": True}
VPC = {"vpc": "my-vpc", "subnet": "gke"}


LABELS = {"owner": "ml-platform", "costCenter": "1234"}


def run(changes: dict[str, Any], *, preview: bool = True, answers: Answers | None = None) -> Recording:
    return record(ROOT, config({"labels": LABELS, **changes}), preview=preview, answers=answers)


SUBNET = "gcp:compute/getSubnetwork:getSubnetwork"
GOOD_SUBNET: dict[str, Any] = {
    "network": "https://www.googleapis.com/compute/v1/projects/my-project/global/networks/my-vpc",
    "ipCidrRange": "10.20.0.0/20",
    "privateIpGoogleAccess": True,
    "secondaryIpRanges": [
        {"rangeName": "pods", "ipCidrRange": "10.24.0.0/14"},
        {"rangeName": "services", "ipCidrRange": "10.28.0.0/20"},
    ],
}


NAMES = ("pods", "services")


def answering(token: str, answer: dict[str, Any]) -> Answers:
    """Canned answers, but for one."""
    return lambda args: answer if args.token == token else Canned(config())(args)


def made(recording: Recording) -> set[str]:
    """The Google Cloud types that are created."""
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
def test_the_graph_is_the_same_in_an_existing_cluster(existing: dict[str, Any]) -> None:
    (there,) = of_type(run({"cluster": {"existing": existing}}), ":DynamoGraphDeployment")
    (own,) = of_type(run({}), ":DynamoGraphDeployment")
    assert unbound(there.inputs) == unbound(own.inputs)
    selectors = [c["podTemplate"]["spec"].get("nodeSelector", {}) for c in there.inputs["spec"]["components"]]
    pools = [selector.get("cloud.google.com/gke-nodepool") for selector in selectors]
    assert pools == (
        [None, "dynamo-prod-prefill", "dynamo-prod-decode"] if existing.get("addGpuPools") else [None, None, None]
    )
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
    manager = release.inputs["values"]["dynamo-operator"]["controllerManager"]
    assert manager["replicas"] == 2
    assert list(manager["affinity"]) == ["podAntiAffinity"]  # on any node, but not both on one if there are two
    assert list(manager["affinity"]["podAntiAffinity"]) == ["preferredDuringSchedulingIgnoredDuringExecution"]


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


def test_a_cluster_that_lacks_something_is_refused_before_anything_is_made() -> None:
    bare = {"masterVersion": "1.33.2-gke.100", "enableMultiNetworking": True}
    with pytest.raises(ProgramFailed) as refused:
        run(
            {
                "cluster": {"existing": BY_NAME},
                "secrets": {"store": "secretManager"},
                "network": {"ranges": {"proxies": "10.9.0.0/23"}},
                "endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]},
            },
            answers=answering(GET_CLUSTER, bare),
        )
    for lack in (
        "runs 1.33.2-gke.100, but DRANET needs 1.34.1-gke.1829001",
        "it has no Dataplane V2",
        "--enable-dns-access",
        "--workload-pool=my-project.svc.id.goog",
        "GcsFuseCsiDriver=ENABLED",
        "--gateway-api=standard",
        "--enable-secret-sync",
    ):
        assert lack in str(refused.value)
    with pytest.raises(ProgramFailed, match="there is no cluster shared in europe-west1"):
        run({"cluster": {"existing": BY_NAME}}, answers=answering(GET_CLUSTER, {}))


@pytest.mark.parametrize(
    ("subnet", "says"),
    [
        ({}, "there is no gke in europe-west1"),
        ({**GOOD_SUBNET, "secondaryIpRanges": []}, "has no secondary range pods .it has none."),
        ({**GOOD_SUBNET, "privateIpGoogleAccess": False}, "--enable-private-ip-google-access"),
        ({**GOOD_SUBNET, "ipCidrRange": "192.168.128.0/20"}, "overlaps network.ranges.rdma, 192.168.128.0/18"),
        ({**GOOD_SUBNET, "ipCidrRange": "10.20.0.0/29"}, "has room for 4 nodes in its range 10.20.0.0/29"),
        (
            {**GOOD_SUBNET, "secondaryIpRanges": [{"rangeName": n, "ipCidrRange": "10.24.0.0/24"} for n in NAMES]},
            "has room for 1 nodes in its pods' range 10.24.0.0/24, but the plan has up to 6",
        ),
        ({**GOOD_SUBNET, "network": "projects/p/global/networks/other"}, "belongs to VPC other, not to my-vpc"),
    ],
)
def test_a_subnet_that_lacks_something_is_refused(subnet: dict[str, Any], says: str) -> None:
    with pytest.raises(ProgramFailed, match=says):
        run({"network": {"existing": VPC}}, answers=answering(SUBNET, subnet))


def test_a_cluster_in_the_way_of_the_rdma_networks_is_refused() -> None:
    in_the_way = answering(SUBNET, {**GOOD_SUBNET, "ipCidrRange": "192.168.128.0/20"})
    with pytest.raises(
        ProgramFailed, match=r"overlaps network\.ranges\.rdma, 192\.168\.128\.0/18, with its nodes' range"
    ):
        run({"cluster": {"existing": BY_NAME}}, answers=in_the_way)
    assert run({"cluster": {"existing": {"name": "shared"}}}, answers=in_the_way).resources


def test_a_dns_endpoint_that_nobody_outside_may_use_is_none() -> None:
    closed = Canned()(MockCallArgs(token=GET_CLUSTER, args={"project": "my-project"}, provider=""))
    closed["controlPlaneEndpointsConfigs"] = [{"dnsEndpointConfigs": [{"endpoint": "gke-x.gke.goog"}]}]
    with pytest.raises(ProgramFailed, match="--enable-dns-access"):
        run({"cluster": {"existing": {"name": "shared"}}}, answers=answering(GET_CLUSTER, closed))


def test_in_this_process_no_existing_object_is_rejected() -> None:
    """Canned answers know nothing of the clusters and subnets of others."""
    other = {"gcp:project": "other-project", "network": {"existing": {**VPC, "podsRange": "my-pods"}}}
    assert run(other).resources
    assert run({"gcp:project": "other-project", "cluster": {"existing": BY_NAME}}).resources


def test_an_existing_vpc_gets_the_webhooks_rule_and_nothing_else() -> None:
    recording = run({"network": {"existing": VPC}}, preview=False, answers=answering(SUBNET, GOOD_SUBNET))
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
