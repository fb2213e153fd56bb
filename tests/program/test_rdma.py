"""What each RDMA mode means, from the networks of the nodes to the NICs of the pods, over the whole program."""

import json
from functools import cache
from typing import Any

import pytest

from catalog.machines import gpu_machine
from catalog.rdma import NAMES as RDMA_MODES
from ops.changes.comparison import Kind, Snapshot, compare
from ops.offline.recorded import Recording, Resource
from ops.offline.recording import record
from ops.offline.verdicts import judge
from tests.program.test_stacks import needs, of_type
from tests.stacks import ROOT, config

LABEL = {"cloud.google.com/gke-networking-dra-driver": "true"}
NICS = gpu_machine("a3-ultragpu-8g").rdma_nics

DISAGGREGATED = ("single-node", "multi-node")
# Layout and modes that it can be had in.
PREVIEWED = [
    ("multi-node", "dranet"),
    ("multi-node", "dranetAuto"),
    ("multi-node", "multiNetwork"),
    ("single-node", "dranet"),
    ("single-node", "dranetAuto"),
    ("single-node", "none"),
    ("multi-node", "none"),
]
every_mode = pytest.mark.parametrize(("layout", "rdma"), PREVIEWED, ids=["-".join(pair) for pair in PREVIEWED])


@cache
def recorded(layout: str, rdma: str, *, preview: bool = True) -> Recording:
    """Without RDMA the KV cache goes over TCP, which the stack must set."""
    changes = {"models.chat.layout": layout, "network": {"rdma": rdma}}
    changes |= {"models.chat.kvTransfer": "tcp"} if rdma == "none" and layout in DISAGGREGATED else {}
    return record(ROOT, config(changes), preview=preview)


def gpu_pools(recording: Recording) -> list[Resource]:
    return [r for r in of_type(recording, ":NodePool") if "guestAccelerators" in r.inputs["nodeConfig"]]


def workers(recording: Recording) -> dict[str, dict[str, Any]]:
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    components = graph.inputs["spec"]["components"]
    return {c["name"]: c["podTemplate"] for c in components if c["type"] in ("prefill", "decode")}


def device_networks(recording: Recording) -> list[Resource]:
    return of_type(recording, ":GKENetworkParamSet") + of_type(recording, "networking.gke.io/v1:Network")


@every_mode
def test_a_pool_has_one_kind_of_networks(layout: str, rdma: str) -> None:
    recording = recorded(layout, rdma)
    own = rdma in ("dranet", "multiNetwork")
    subnets = {subnet.inputs["name"] for subnet in of_type(recording, ":Subnetwork")}
    assert bool(of_type(recording, ":RdmaNetwork")) is own
    for pool in gpu_pools(recording):
        network = pool.inputs["networkConfig"]
        nics = network.get("additionalNodeNetworkConfigs", [])
        assert len(nics) == (1 + NICS if own else 0)
        assert {nic["subnetwork"] for nic in nics} <= subnets
        assert network.get("acceleratorNetworkProfile") == ("auto" if rdma == "dranetAuto" else None)
        driven = rdma in ("dranet", "dranetAuto")
        role = {"dynamo-gke/role": pool.inputs["name"]}
        assert pool.inputs["nodeConfig"]["labels"] == role | (LABEL if driven else {})
    (cluster,) = of_type(recording, "cluster:Cluster")
    assert cluster.inputs["enableMultiNetworking"] is own
    assert cluster.inputs["datapathProvider"] == "ADVANCED_DATAPATH"


@every_mode
def test_pods_get_their_nics_in_one_way_only(layout: str, rdma: str) -> None:
    """Never networks of the kind Device beside claims: both would hand the same NICs out."""
    recording = recorded(layout, rdma)
    claims = rdma in ("dranet", "dranetAuto")
    named = rdma == "multiNetwork"
    templates = {t.inputs["metadata"]["name"] for t in of_type(recording, ":ResourceClaimTemplate")}
    assert (bool(templates), bool(device_networks(recording))) == (claims, named)
    for pod in workers(recording).values():
        (main,) = pod["spec"]["containers"]  # the first to be given devices, since it is the only one
        limits = dict(main["resources"]["limits"])
        gpus = limits.pop("nvidia.com/gpu")
        assert "initContainers" not in pod["spec"]
        if claims:
            assert pod["spec"]["resourceClaims"] == [{"name": "rdma", "resourceClaimTemplateName": f"rdma-{gpus}"}]
            assert main["resources"]["claims"] == [{"name": "rdma"}]
            assert f"rdma-{gpus}" in templates
        else:
            assert "resourceClaims" not in pod["spec"]
            assert "claims" not in main["resources"]
        assert limits == ({f"networking.gke.io.networks/rdma-{rail}": "0" for rail in range(NICS)} if named else {})
        keys = {key for key in pod["metadata"]["annotations"] if key.startswith("networking.gke.io/")}
        assert keys == ({"networking.gke.io/default-interface", "networking.gke.io/interfaces"} if named else set())


def test_a_pod_names_the_networks_that_the_cluster_has() -> None:
    recording = recorded("multi-node", "multiNetwork")
    parameters = {p.inputs["metadata"]["name"]: p.inputs["spec"] for p in of_type(recording, ":GKENetworkParamSet")}
    nics = gpu_pools(recording)[0].inputs["networkConfig"]["additionalNodeNetworkConfigs"]
    assert [{"network": p["vpc"], "subnetwork": p["vpcSubnet"]} for p in parameters.values()] == nics
    assert [p["deviceMode"] for p in parameters.values()] == ["NetDevice", *["RDMA"] * NICS]
    networks = of_type(recording, "networking.gke.io/v1:Network")
    assert [n.inputs["metadata"]["name"] for n in networks] == list(parameters)
    for network in networks:
        assert network.inputs["spec"]["type"] == "Device"
        assert network.inputs["spec"]["parametersRef"]["name"] == network.inputs["metadata"]["name"]
        assert "namespace" not in network.inputs["metadata"]
    for pod in workers(recording).values():
        annotations = pod["metadata"]["annotations"]
        interfaces = json.loads(annotations["networking.gke.io/interfaces"])
        assert interfaces[0] == {
            "interfaceName": annotations["networking.gke.io/default-interface"],
            "network": "default",
        }
        assert [i["network"] for i in interfaces[1:]] == list(parameters)[1:]
        # eth1 is the second gVNIC's, which no pod joins.
        assert [i["interfaceName"] for i in interfaces] == ["eth0", *(f"eth{2 + rail}" for rail in range(NICS))]


@every_mode
def test_a_worker_has_the_same_environment_in_every_mode_with_rdma(layout: str, rdma: str) -> None:
    """Each NIC has its own subnet and eth0 stays the pod network, whoever created the networks."""
    wanted = {"UCX_IB_ROCE_REACHABILITY_MODE": "all", "NCCL_SOCKET_IFNAME": "eth0"}
    for pod in workers(recorded(layout, rdma)).values():
        env = {var["name"]: var.get("value") for var in pod["spec"]["containers"][0]["env"]}
        assert {name: env.get(name) for name in wanted} == (dict.fromkeys(wanted) if rdma == "none" else wanted)
        assert (env["UCX_PROTO_INFO"], env["UCX_LOG_FILE"]) == ("remote memory read*", "stderr")
        assert env.get("UCX_PROTO_EMULATION_ENABLE") == (None if rdma == "none" else "n")
        assert env.get("UCX_TLS") == ("cuda_copy,tcp" if rdma == "none" else None)
        assert {"UCX_NET_DEVICES", "LD_LIBRARY_PATH"}.isdisjoint(env)


@every_mode
def test_the_graph_outlives_nothing_of_its_nics(layout: str, rdma: str) -> None:
    recording = recorded(layout, rdma)
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    wanted = of_type(recording, ":ResourceClaimTemplate") + device_networks(recording) + gpu_pools(recording)
    assert {r.urn for r in wanted} <= needs(recording, graph.urn)


def test_a_network_goes_before_its_parameters_and_both_before_the_subnet() -> None:
    recording = recorded("multi-node", "multiNetwork")
    parameters = {p.inputs["metadata"]["name"]: p for p in of_type(recording, ":GKENetworkParamSet")}
    subnets = {s.inputs["name"]: s for s in of_type(recording, ":Subnetwork")}
    for network in of_type(recording, "networking.gke.io/v1:Network"):
        own = parameters[network.inputs["metadata"]["name"]]
        assert own.urn in needs(recording, network.urn)
        assert subnets[own.inputs["spec"]["vpcSubnet"]].urn in needs(recording, own.urn)


@pytest.mark.parametrize("layout", ["multi-node", "single-node"])
def test_gke_may_make_networks_before_it_is_asked_to(layout: str) -> None:
    recording = recorded(layout, "dranetAuto", preview=False)
    (role,) = [m for m in of_type(recording, ":IAMMember") if m.inputs["role"] == "roles/compute.networkAdmin"]
    assert role.inputs["member"] == "serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com"
    for pool in gpu_pools(recording):
        assert role.urn in needs(recording, pool.urn)


@pytest.mark.parametrize("rdma", ["dranet", "multiNetwork"])
def test_gke_gets_no_role_for_networks_that_are_not_its_own(rdma: str) -> None:
    assert of_type(recorded("multi-node", rdma), ":GkeAgentRole") == []


def test_without_an_engine_that_needs_them_no_nic_is_handed_out() -> None:
    for rdma in RDMA_MODES:
        recording = recorded("aggregated", rdma)
        assert of_type(recording, ":ResourceClaimTemplate") + device_networks(recording) == []


@every_mode
def test_no_policy_is_violated(layout: str, rdma: str) -> None:
    unlabeled = {"labelled": "disabled"}
    assert judge(recorded(layout, rdma), unlabeled) == []


def snapshot(rdma: str) -> Snapshot:
    recording = recorded("multi-node", rdma)
    plan: dict[str, Any] = {"pools": [], "costPerHour": 0}
    return Snapshot.from_wire({"resources": [r.to_wire() for r in recording.resources], "plan": plan})


def replaced(before: str, after: str) -> set[str]:
    return {change.name for change in compare(snapshot(before), snapshot(after)).of(Kind.REPLACED)}


POOLS = {"prefill-pool", "decode-pool"}


@pytest.mark.parametrize(
    ("before", "after", "expensive"),
    [
        ("dranet", "dranetAuto", set(POOLS)),
        ("dranetAuto", "dranet", set(POOLS)),
        ("dranet", "multiNetwork", set()),
    ],
)
def test_what_another_mode_replaces_is_reported(before: str, after: str, expensive: set[str]) -> None:
    """Networks of a pool are chosen when it is created; multi-networking of the cluster and a label change in place."""
    assert replaced(before, after) & {"cluster-cluster", *POOLS} == expensive
