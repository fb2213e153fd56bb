"""What Google Cloud's resources are made with, over the whole program: project, labels, waits, names of a domain."""

import importlib
import inspect
from functools import cache
from typing import Any, cast

import pytest

from catalog.capacity import NAMES as CAPACITY_MODES
from infra.network import of_network
from ops.changes.comparison import Kind, Snapshot, compare
from ops.offline.recorded import Recording, Resource
from ops.offline.recording import record
from planning.waits import Wait
from tests.program.test_stacks import of_type
from tests.stacks import ROOT, config, errors

LABELS = {"owner": "ml-platform", "costCenter": "1234"}
GATEWAY = {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}
KEY = "projects/keys/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"
STACKS: dict[str, dict[str, Any]] = {
    "as it comes": {"budget": {"monthly": 140000, "emails": ["a@example.com"]}, "alerts.emails": ["a@example.com"]},
    "public": {"endpoint": GATEWAY, "network.rdma": "dranetAuto"},
    "secrets": {"secrets": {"store": "secretManager"}, "cluster.secretsKey": KEY},
    "existing VPC": {"network.existing": {"vpc": "v", "subnet": "s"}},
    "pools added": {"cluster.existing": {"name": "shared", "addGpuPools": True}},
}


@cache
def recorded(name: str) -> Recording:
    return record(ROOT, config({"labels": LABELS, **STACKS[name]}), preview=False)


def takes(resource: Resource, argument: str) -> bool:
    """Whether the resource's class of the SDK takes an argument."""
    module, kind = resource.type.removeprefix("gcp:").split("/")[0], resource.type.rpartition(":")[2]
    found = getattr(importlib.import_module(f"pulumi_gcp.{module}"), kind)
    return argument in inspect.signature(found._internal_init).parameters


@pytest.mark.parametrize("name", STACKS)
def test_each_resource_names_its_project(name: str) -> None:
    """Another gcp:project must replace all of a stack: what names none would stay in the old project."""
    resources = [r for r in recorded(name).resources if r.type.startswith("gcp:")]
    assert len(resources) > 20
    without = {r.name for r in resources if takes(r, "project") and r.inputs.get("project") != "my-project"}
    assert without == set()


def pools(changes: dict[str, Any]) -> list[Resource]:
    recording = record(ROOT, config(changes))
    return [p for p in of_type(recording, ":NodePool") if "guestAccelerators" in p.inputs["nodeConfig"]]


def minutes(timeout: str) -> int:
    assert timeout.endswith("m")
    return int(timeout.removesuffix("m"))


@pytest.mark.parametrize("mode", CAPACITY_MODES)
def test_a_refused_pool_is_not_retried_for_hours(mode: str) -> None:
    capacity = {"mode": mode} | ({"reservation": "r"} if mode == "reservation" else {})
    for pool in pools({"capacity": capacity}):
        waits = pool.options["customTimeouts"]
        flex = mode == "flexStart"
        assert minutes(waits["create"]) == (30 if flex else 45)
        assert flex or minutes(waits["create"]) > 35  # after which GKE itself gives up on nodes and says why
        assert minutes(waits["update"]) <= 80  # one or two nodes, one after the other
        assert minutes(waits["delete"]) <= 60


def test_an_update_has_time_for_all_nodes_of_a_pool() -> None:
    large = {"models.chat.decode": {"replicas": 30}}
    waits = {p.inputs["name"]: p.options["customTimeouts"]["update"] for p in pools(large)}
    assert (waits["prefill"], waits["decode"]) == ("60m", "240m")


def test_labels_reach_the_gpu_nodes() -> None:
    """They are what the bill of the most expensive nodes is split by."""
    for pool in pools({"labels": LABELS}):
        assert pool.inputs["nodeConfig"]["resourceLabels"]["cost-center"] == "1234"
        assert "nodeConfig.resourceLabels" not in pool.options["ignoreChanges"]


def test_a_pool_of_fixed_size_ignores_no_count() -> None:
    """An ignored input keeps its old value: beside `nodeCount`, the provider refuses `initialNodeCount`."""
    for pool in pools({}):
        assert "nodeCount" in pool.inputs
        assert {"initialNodeCount", "nodeCount"}.isdisjoint(pool.options["ignoreChanges"])
    scaled = pools({"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}})
    ignored = {p.inputs["name"]: set(p.options["ignoreChanges"]) for p in scaled}
    assert {"initialNodeCount", "nodeCount"} <= ignored["decode"]


@pytest.mark.parametrize("rdma", ["dranet", "dranetAuto", "multiNetwork"])
def test_node_labels_are_never_empty(rdma: str) -> None:
    """The provider sends no update to no labels, and Google refuses the empty request."""
    for pool in pools({"network": {"rdma": rdma}}):
        assert pool.inputs["nodeConfig"]["labels"]["dynamo-gke/role"] == pool.inputs["name"]


def test_the_cluster_says_what_gke_would_choose() -> None:
    (cluster,) = of_type(recorded("as it comes"), "cluster:Cluster")
    assert cluster.inputs["dnsConfig"]["clusterDnsDomain"] == "cluster.local"
    assert cluster.inputs["enableL4IlbSubsetting"] is True


def public(domain: str) -> Recording:
    return record(ROOT, config({"labels": LABELS, "endpoint": {**GATEWAY, "domain": domain}}))


def of_certificate(recording: Recording) -> dict[str, Resource]:
    (certificate,) = of_type(recording, ":Certificate")
    (authorization,) = of_type(recording, ":DnsAuthorization")
    return {"certificate": certificate, "authorization": authorization}


def test_another_domain_gets_a_certificate_before_the_old_one_goes() -> None:
    before, after = public("llm.example.com"), public("ai.example.com")
    old, new = of_certificate(before), of_certificate(after)
    for what in old:
        assert old[what].name != new[what].name  # another resource, so it is created first and deleted last
        assert old[what].inputs["name"] != new[what].inputs["name"]
        assert len(new[what].inputs["name"]) <= 63
    (gateway,) = of_type(after, ":Gateway")
    options = gateway.inputs["spec"]["listeners"][0]["tls"]["options"]
    assert options == {"networking.gke.io/cert-manager-certs": new["certificate"].inputs["name"]}
    empty: dict[str, Any] = {"pools": [], "costPerHour": 0}
    snapshots = [
        Snapshot.from_wire({"resources": [r.to_wire() for r in each.resources], "plan": empty})
        for each in (before, after)
    ]
    changes = {(c.kind, c.name) for c in compare(*snapshots).changes if c.name.startswith("gateway-c")}
    assert {kind for kind, name in changes if name.startswith("gateway-certificate")} == {Kind.DELETED, Kind.CREATED}


def test_a_certificate_from_before_is_kept() -> None:
    """It had the gateway's name. The alias finds it, and the different name causes no replacement."""
    for what, resource in of_certificate(public("llm.example.com")).items():
        (former,) = resource.options["aliases"]
        assert former == resource.urn.rpartition("::")[0] + f"::gateway-{what}"
        assert resource.options["ignoreChanges"] == ["name"]


@pytest.mark.parametrize(
    ("reservation", "says"),
    [
        (
            "projects/other/reservations/r/reservationBlocks/b",
            "the whole reservation, projects/other/reservations/r,",
        ),
        ("projects/other/reservations/r/reservationBlocks/b/reservationSubBlocks/s", "or set gcp:project to other"),
        (
            "projects/other/zones/europe-west1-b/reservations/r/reservationBlocks/b",
            "is a block of a reservation",
        ),
        ("projects/my-project/reservations/r/reservationBlocks/b", ""),
        ("projects/other/reservations/r", ""),
        ("r/reservationBlocks/b", ""),
    ],
)
def test_a_block_of_another_projects_reservation_is_refused(reservation: str, says: str) -> None:
    found = errors({"capacity": {"mode": "reservation", "reservation": reservation}})
    assert [(error.path, says in error.message) for error in found] == (
        [("capacity.reservation", True)] if says else []
    )


def test_clients_of_other_regions_are_let_in_only_if_the_stack_says_so() -> None:
    annotation = "networking.gke.io/internal-load-balancer-allow-global-access"
    for given, wanted in (({}, None), ({"globalAccess": True}, "true"), ({"globalAccess": False}, None)):
        (service,) = of_type(record(ROOT, config({"endpoint": {"exposure": "internal", **given}})), "core/v1:Service")
        assert service.inputs["metadata"]["annotations"].get(annotation) == wanted


@pytest.mark.parametrize("endpoint", [{"exposure": "none"}, GATEWAY], ids=["none", "gateway"])
def test_global_access_belongs_to_an_internal_endpoint(endpoint: dict[str, Any]) -> None:
    (error,) = errors({"endpoint": {**endpoint, "globalAccess": True}})
    assert error.path == "endpoint.globalAccess"
    assert "it belongs to exposure internal" in error.message


def test_the_operator_has_two_replicas_on_two_nodes() -> None:
    (release,) = of_type(recorded("as it comes"), ":Release")
    manager = release.inputs["values"]["dynamo-operator"]["controllerManager"]
    assert manager["replicas"] == 2
    (spread,) = manager["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["labelSelector"]["matchLabels"]["app.kubernetes.io/name"] == "dynamo-operator"
    (on,) = manager["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert on["matchExpressions"][0]["values"] == ["system"]


def test_a_firewall_rule_is_replaced_with_its_network() -> None:
    """In place, the rule would still be on the old VPC when that has to go."""
    options = of_network(cast(Any, None), Wait())
    assert options.replace_on_changes == ["network"]
    for name in ("as it comes", "existing VPC", "pools added"):
        rules = of_type(recorded(name), ":Firewall")
        assert rules
        assert all(rule.options["deleteBeforeReplace"] for rule in rules)
        assert all(rule.options["customTimeouts"]["create"] == "5m" for rule in rules)
