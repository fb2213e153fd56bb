"""What the provider does with one changed input: replaced, updated, refused, without effect, nodes recreated."""

from dataclasses import dataclass
from typing import Any

import pytest

from ops.changes.effects import GCP_PROVIDER, KUBERNETES_PROVIDER, Effect, judge
from ops.changes.gcp_inputs import table
from ops.changes.kubernetes_fields import REFUSED, REPLACED
from ops.changes.pulumi_engine import aligned
from ops.changes.values import differences
from policies.kinds import BUCKET, CLUSTER, GRAPH, NETWORK, NODE_POOL, SUBNETWORK

NONE, UPDATES, IGNORED, FAILS, REPLACES = Effect.NONE, Effect.UPDATES, Effect.IGNORED, Effect.FAILS, Effect.REPLACES
RECREATES, RELEASES = Effect.RECREATES_NODES, Effect.RELEASES_NODES

ARMOR = "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy"
BUDGET = "gcp:billing/budget:Budget"
FIREWALL = "gcp:compute/firewall:Firewall"
ADDRESS = "gcp:compute/address:Address"
SECRET = "gcp:secretmanager/secret:Secret"
JOB = "kubernetes:batch/v1:Job"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
KUBERNETES_SECRET = "kubernetes:core/v1:Secret"
CLAIM_TEMPLATE = "kubernetes:resource.k8s.io/v1:ResourceClaimTemplate"
MUTABLE = {"enableConfigMapMutable": "true", "enableSecretMutable": "true"}


@dataclass(frozen=True)
class Case:
    type: str
    before: dict[str, Any]
    after: dict[str, Any]
    want: Effect
    provider: dict[str, Any] | None = None


def nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def on(type_: str, path: str, before: Any, after: Any, want: Effect, provider: dict[str, Any] | None = None) -> Case:
    """One input that changes in otherwise equal inputs; `...` stands for one that is not set."""
    whole = nested(path.rpartition(".")[0], {"untouched": True}) if "." in path else {}
    sides = [_merged(whole, {} if value is ... else nested(path, value)) for value in (before, after)]
    return Case(type_, sides[0], sides[1], want, provider)


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    common = {key: _merged(one[key], other[key]) for key in one.keys() & other.keys() if isinstance(one[key], dict)}
    return {**one, **other, **common}


def graph(**component: Any) -> list[dict[str, Any]]:
    return [{"name": "decode", **component}]


NICS = [{"network": "a", "subnetwork": "a"}, {"network": "b", "subnetwork": "b"}]
PODS = {"rangeName": "pods", "ipCidrRange": "a"}
SERVICES = {"rangeName": "services", "ipCidrRange": "b"}
OTHER = {"rangeName": "other", "ipCidrRange": "0"}
AFFINITIES = [{"key": key, "operator": "IN", "values": ["v"]} for key in ("a", "b")]
PROFILE = "projects/p/global/networkProfiles/europe-west1-b-vpc-roce"
VPC = "projects/p/global/networks/a"
ZONAL = {"location": "europe-west1-b"}
IMMUTABLE: dict[str, Any] = {"immutable": True}

GCP = [
    # Once said to be replaced, and updated in place.
    on(CLUSTER, "enableMultiNetworking", True, False, UPDATES),
    on(CLUSTER, "enableMultiNetworking", True, ..., UPDATES),
    on(NETWORK, "mtu", 1460, 8896, UPDATES),
    on(FIREWALL, "network", "a", "b", UPDATES),
    on(SUBNETWORK, "purpose", "PRIVATE", "REGIONAL_MANAGED_PROXY", UPDATES),
    on(SUBNETWORK, "ipCidrRange", "10.0.0.0/20", "10.0.0.0/16", UPDATES),
    on(CLUSTER, "ipAllocationPolicy.stackType", "IPV4", "IPV4_IPV6", UPDATES),
    on(SECRET, "replication.auto", {}, {"customerManagedEncryption": {"kmsKeyName": "k"}}, UPDATES),
    on(BUCKET, "customPlacementConfig.dataLocations", ["a"], ["b"], REPLACES),
    # Ranges that do not hold the old one.
    on(SUBNETWORK, "ipCidrRange", "10.0.0.0/16", "10.0.0.0/20", REPLACES),
    on(SUBNETWORK, "ipCidrRange", "10.0.0.0/20", "10.1.0.0/16", REPLACES),
    on(SUBNETWORK, "ipCidrRange", "10.0.0.0/20", "[unknown]", REPLACES),
    on(SUBNETWORK, "ipCidrRange", "10.0.0.0/20", "fd00::/16", REPLACES),
    # Replaced.
    on(CLUSTER, "datapathProvider", "ADVANCED_DATAPATH", "LEGACY_DATAPATH", REPLACES),
    on(CLUSTER, "privateClusterConfig.masterIpv4CidrBlock", "10.0.0.0/28", "10.1.0.0/28", REPLACES),
    on(CLUSTER, "masterIpv4CidrBlock", "a", "b", REPLACES),
    on(CLUSTER, "enableL4IlbSubsetting", True, False, REPLACES),
    on(CLUSTER, "enableL4IlbSubsetting", True, ..., REPLACES),
    on(CLUSTER, "enableFqdnNetworkPolicy", True, ..., REPLACES),
    on(CLUSTER, "enableFqdnNetworkPolicy", ..., True, UPDATES),
    on(CLUSTER, "enableK8sBetaApis.enabledApis", ["a", "b"], ["b"], REPLACES),
    on(CLUSTER, "enableK8sBetaApis.enabledApis", ["a"], ["b", "a"], UPDATES),
    on(CLUSTER, "dnsConfig.additiveVpcScopeDnsDomain", "a", "b", UPDATES),
    on(BUCKET, "retentionPolicy.isLocked", True, False, REPLACES),
    on("gcp:certificatemanager/certificate:Certificate", "managed.domains", ["a"], ["b"], REPLACES),
    on("gcp:certificatemanager/dnsAuthorization:DnsAuthorization", "domain", "a", "b", REPLACES),
    on(ARMOR, "type", "CLOUD_ARMOR", "CLOUD_ARMOR_EDGE", REPLACES),
    on(ARMOR, "rules", [{"action": "allow"}], [{"action": "deny(403)"}], UPDATES),
    on(BUDGET, "billingAccount", "a", "b", REPLACES),
    on("gcp:monitoring/notificationChannel:NotificationChannel", "project", "a", "b", REPLACES),
    on(ADDRESS, "networkTier", "PREMIUM", "STANDARD", REPLACES),
    on(NODE_POOL, "nodeConfig.spot", ..., True, REPLACES),
    on(NODE_POOL, "nodeConfig.confidentialNodes.enabled", False, True, RECREATES),
    on(NODE_POOL, "nodeConfig.confidentialNodes.confidentialInstanceType", "SEV", "TDX", REPLACES),
    on(NODE_POOL, "networkConfig.acceleratorNetworkProfile", ..., "auto", REPLACES),
    on(NODE_POOL, "networkConfig.additionalNodeNetworkConfigs", ..., NICS, REPLACES),
    on(NODE_POOL, "networkConfig.additionalNodeNetworkConfigs", NICS, NICS[:1], REPLACES),
    # Adding or removing a block forces a replacement; its contents have their own effects.
    on(NODE_POOL, "placementPolicy", ..., {"type": "COMPACT"}, REPLACES),
    on(NODE_POOL, "placementPolicy", {"type": "COMPACT"}, ..., REPLACES),
    on(NODE_POOL, "placementPolicy.type", "COMPACT", "OTHER", IGNORED),
    # In place, and yet the nodes go.
    on(NODE_POOL, "nodeLocations", ["a"], ["b"], RELEASES),
    on(NODE_POOL, "nodeLocations", ["a", "b"], ["b"], RELEASES),
    on(NODE_POOL, "nodeLocations", ["a"], ["b", "a"], UPDATES),
    on(NODE_POOL, "nodeLocations", ..., ["a"], RELEASES),
    Case(NODE_POOL, ZONAL, {**ZONAL, "nodeLocations": ["b"]}, UPDATES),
    on(CLUSTER, "nodeLocations", ["a", "b"], ["a"], RELEASES),
    on(CLUSTER, "nodeLocations", ["a"], ["b", "a"], UPDATES),
    on(CLUSTER, "nodeLocations", ["a", "b"], ["b", "a"], NONE),
    on(CLUSTER, "nodeLocations", ["a", "b"], ..., NONE),
    on(CLUSTER, "nodeLocations", ..., ["a"], RELEASES),
    Case(CLUSTER, ZONAL, {**ZONAL, "nodeLocations": ["b"]}, UPDATES),
    on(NODE_POOL, "nodeConfig.machineType", "a3-ultragpu-8g", "a3-ultragpu-8g-nolssd", RECREATES),
    on(NODE_POOL, "nodeConfig.bootDisk.sizeGb", 200, 300, RECREATES),
    on(NODE_POOL, "nodeConfig.gvnic", {"enabled": True}, ..., RECREATES),
    on(NODE_POOL, "nodeConfig.kubeletConfig.cpuManagerPolicy", "none", "static", RECREATES),
    on(NODE_POOL, "nodeConfig.gcfsConfig.enabled", True, False, RECREATES),
    on(NODE_POOL, "nodeConfig.fastSocket.enabled", True, False, RECREATES),
    on(NODE_POOL, "nodeConfig.diskType", "a", "b", RECREATES),
    on(NODE_POOL, "nodeConfig.imageType", "a", "b", RECREATES),
    on(NODE_POOL, "nodeConfig.loggingVariant", "a", "b", RECREATES),
    on(NODE_POOL, "version", "1.35.1", "1.35.2", RECREATES),
    on(CLUSTER, "enableShieldedNodes", ..., False, RECREATES),
    # In place, and the nodes stay.
    on(NODE_POOL, "nodeConfig.labels", {"a": "x", "b": "x"}, {"a": "y"}, UPDATES),
    on(NODE_POOL, "nodeConfig.resourceLabels", {"a": "x", "b": "x"}, {"a": "y"}, UPDATES),
    on(NODE_POOL, "nodeConfig.resourceManagerTags", {"a": "x", "b": "x"}, {"a": "y"}, UPDATES),
    on(NODE_POOL, "nodeConfig.taints", [{"key": "a"}], [{"key": "b"}], UPDATES),
    on(NODE_POOL, "nodeCount", 1, 2, UPDATES),
    on(NODE_POOL, "autoscaling.totalMaxNodeCount", 1, 2, UPDATES),
    on(NODE_POOL, "management.autoRepair", True, False, UPDATES),
    on(NODE_POOL, "nodeConfig.labels", {"a": "x"}, {}, FAILS),
    on(NODE_POOL, "nodeConfig.labels", {"a": "x"}, ..., FAILS),
    on(NODE_POOL, "nodeConfig.resourceLabels", {"a": "x"}, {}, FAILS),
    on(NODE_POOL, "nodeConfig.resourceLabels", {"a": "x"}, ..., FAILS),
    on(NODE_POOL, "nodeConfig.resourceManagerTags", {"a": "x"}, {}, FAILS),
    on(NODE_POOL, "nodeConfig.resourceManagerTags", {"a": "x"}, ..., FAILS),
    # The provider keeps the values of a map only if the whole map is removed.
    on(NODE_POOL, "nodeConfig.labels", {"a": "x", "b": "x"}, {"a": "x"}, UPDATES),
    on(NODE_POOL, "nodeConfig.labels", {"a": "x", "b.c/d": "x"}, {"a": "x"}, UPDATES),
    on(NODE_POOL, "nodeConfig.metadata", {"a": "x", "b": "x"}, {"a": "x"}, REPLACES),
    on(NODE_POOL, "nodeConfig.metadata", {"a": "x"}, {}, REPLACES),
    on(NODE_POOL, "nodeConfig.metadata", {"a": "x"}, ..., NONE),
    on(BUDGET, "budgetFilter.labels", {"a": "x", "b": "x"}, {"a": "x"}, UPDATES),
    on(BUDGET, "budgetFilter.labels", {"a": "x"}, ..., NONE),
    # What the provider cannot do.
    on(NODE_POOL, "nodeConfig.gpudirectStrategy", "RDMA", "TCPX", IGNORED),
    on(NODE_POOL, "maintenancePolicies", ..., [{"exclusionUntilEndOfSupports": [{"enabled": True}]}], IGNORED),
    on(SUBNETWORK, "secondaryIpRanges", [{"ipCidrRange": "a"}], [{"ipCidrRange": "b"}], FAILS),
    on(SUBNETWORK, "secondaryIpRanges", [{"ipCidrRange": "a"}], [{"ipCidrRange": "a"}, {"ipCidrRange": "b"}], UPDATES),
    on(SUBNETWORK, "secondaryIpRanges", [PODS, SERVICES], [SERVICES, PODS], NONE),
    on(SUBNETWORK, "secondaryIpRanges", [PODS, SERVICES], [OTHER, SERVICES, PODS], UPDATES),
    on(SUBNETWORK, "secondaryIpRanges", [PODS, SERVICES], [{**SERVICES, "ipCidrRange": "c"}, PODS], FAILS),
    on(SUBNETWORK, "secondaryIpRanges", [PODS, SERVICES], [SERVICES], FAILS),
    on(ARMOR, "rules", [{"priority": 1}, {"priority": 2}], [{"priority": 2}, {"priority": 1}], NONE),
    on(
        FIREWALL, "allows", [{"protocol": "tcp"}, {"protocol": "udp"}], [{"protocol": "udp"}, {"protocol": "tcp"}], NONE
    ),
    on(NODE_POOL, "nodeConfig.soleTenantConfig.nodeAffinities", AFFINITIES, AFFINITIES[::-1], NONE),
    on(NODE_POOL, "nodeConfig.taints", [{"key": "a"}, {"key": "b"}], [{"key": "b"}, {"key": "a"}], UPDATES),
    on(NETWORK, "networkProfile", PROFILE, f"https://www.googleapis.com/compute/v1/{PROFILE}", NONE),
    on(NETWORK, "networkProfile", f"https://compute.googleapis.com/compute/beta/{PROFILE}", PROFILE, NONE),
    on(NETWORK, "networkProfile", PROFILE, PROFILE.replace("roce", "falcon"), REPLACES),
    on(NETWORK, "networkProfile", PROFILE, PROFILE.rpartition("/")[2], REPLACES),
    on(NETWORK, "networkProfile", PROFILE, ..., REPLACES),
    on(CLUSTER, "network", f"https://www.googleapis.com/compute/v1/{VPC}", VPC, NONE),
    # A setting of the provider itself needs no call.
    on(CLUSTER, "deletionProtection", True, False, UPDATES),
    # No difference to the provider.
    on(CLUSTER, "databaseEncryption", {"state": "ENCRYPTED"}, ..., NONE),
    on(CLUSTER, "enableMultiNetworking", ..., False, NONE),
    on(CLUSTER, "enableShieldedNodes", True, ..., NONE),
    on(CLUSTER, "network", "projects/p/global/networks/a", "a", NONE),
    on(CLUSTER, "network", "projects/p/global/networks/a", "projects/q/global/networks/a", REPLACES),
    on(NODE_POOL, "nodeConfig.oauthScopes", ["a", "b"], ["b", "a"], NONE),
    on(NODE_POOL, "nodeConfig.imageType", "COS_CONTAINERD", "cos_containerd", NONE),
    on(NODE_POOL, "nodeConfig.spot", ..., False, NONE),
    on(ADDRESS, "addressType", ..., "EXTERNAL", NONE),
    on(ADDRESS, "addressType", ..., "INTERNAL", REPLACES),
    # Not known: judged as replaced.
    on("gcp:compute/disk:Disk", "size", 1, 2, REPLACES),
    on(NODE_POOL, "nodeConfig.newThing", 1, 2, REPLACES),
    on(NODE_POOL, "bestEffortProvisioning.enabled", False, True, REPLACES),
    on("random:index/randomId:RandomId", "byteLength", 1, 2, REPLACES),
    on(GCP_PROVIDER, "project", "a", "b", UPDATES),
]
KUBERNETES = [
    on(JOB, "metadata.name", "a", "b", REPLACES),
    on(JOB, "metadata", {"namespace": "default"}, {}, NONE),
    on(JOB, "metadata", {"namespace": "a"}, {}, REPLACES),
    on(JOB, "spec.parallelism", 1, 2, REPLACES),
    on(JOB, "spec.backoffLimit", 1, 2, UPDATES),
    on(JOB, "spec.completionMode", "NonIndexed", "Indexed", FAILS),
    on("kubernetes:core/v1:Service", "spec.clusterIP", "a", "b", REPLACES),
    on("kubernetes:core/v1:Service", "spec.type", "ClusterIP", "LoadBalancer", UPDATES),
    on("kubernetes:core/v1:Service", "spec.loadBalancerClass", "a", "b", FAILS),
    on("kubernetes:core/v1:PersistentVolume", "spec.csi.volumeHandle", "a", "b", REPLACES),
    on("kubernetes:core/v1:PersistentVolume", "spec.storageClassName", "a", "b", UPDATES),
    on("kubernetes:core/v1:PersistentVolumeClaim", "spec.volumeName", "a", "b", REPLACES),
    on("kubernetes:apps/v1:StatefulSet", "spec.volumeClaimTemplates", [], [{"a": 1}], REPLACES),
    on("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "roleRef.name", "a", "b", REPLACES),
    on("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "subjects", [{"name": "a"}], [{"name": "b"}], UPDATES),
    on(KUBERNETES_SECRET, "type", "a", "b", REPLACES, MUTABLE),
    on(KUBERNETES_SECRET, "stringData.a", "x", "y", UPDATES, MUTABLE),
    on(KUBERNETES_SECRET, "stringData.a", "x", "y", REPLACES),
    on(CONFIG_MAP, "data.a", "x", "y", UPDATES, MUTABLE),
    on(CONFIG_MAP, "data.a", "x", "y", REPLACES, {"enableConfigMapMutable": "false"}),
    Case(CONFIG_MAP, IMMUTABLE | {"data": {"a": "x"}}, IMMUTABLE | {"data": {"a": "y"}}, REPLACES, MUTABLE),
    on(CONFIG_MAP, "immutable", True, ..., FAILS, MUTABLE),
    on(CLAIM_TEMPLATE, "spec.spec.count", 1, 2, FAILS),
    on(GRAPH, "spec.components", graph(type="prefill"), graph(type="decode"), FAILS),
    on(GRAPH, "spec.components", graph(replicas=1), graph(replicas=2), UPDATES),
    on(GRAPH, "spec.components", [], graph(type="decode"), UPDATES),
    on(GRAPH, "spec.components", graph(), graph(multinode={"nodeCount": 2}), FAILS),
    on(GRAPH, "spec.components", graph(multinode={"nodeCount": 2}), graph(multinode={"nodeCount": 3}), UPDATES),
    on("kubernetes:helm.sh/v3:Release", "namespace", "a", "b", REPLACES),
    on("kubernetes:helm.sh/v3:Release", "version", "1", "2", UPDATES),
    on(KUBERNETES_PROVIDER, "clusterIdentifier", "a", "b", REPLACES),
    on(KUBERNETES_PROVIDER, "clusterIdentifier", ..., "b", UPDATES),
    on(KUBERNETES_PROVIDER, "context", "a", "b", REPLACES),
    Case(
        KUBERNETES_PROVIDER,
        {"clusterIdentifier": "a", "context": "a", "kubeconfig": "a"},
        {"clusterIdentifier": "a", "context": "b"},
        UPDATES,
    ),
]

ORDER = list(Effect)


@pytest.mark.parametrize("case", [*GCP, *KUBERNETES], ids=lambda case: f"{case.type}-{case.before}-{case.after}")
def test_the_worst_effect_of_a_change(case: Case) -> None:
    before, after = aligned(case.type, case.before, case.after)
    found = [
        judge(case.type, difference, before, after, case.provider or {}).effect
        for difference in differences(before, after)
    ]
    assert max(found, key=ORDER.index, default=NONE) is case.want


@pytest.mark.parametrize("type_", sorted(table()))
def test_every_input_that_forces_forces(type_: str) -> None:
    """Each plain input of each type by itself, as the table has it."""
    for path, facts in table()[type_].inputs.items():
        if facts.kind or "[]" in path or not facts.forces:
            continue
        before, after = nested(path, "a"), nested(path, "b")
        (difference,) = differences(before, after)
        assert judge(type_, difference, before, after, {}).effect is REPLACES, path


@pytest.mark.parametrize(
    ("type_", "path"),
    [(type_, path) for type_, of in table().items() for path, facts in of.inputs.items() if facts.kind == "map"],
)
def test_an_entry_taken_out_of_a_map_goes(type_: str, path: str) -> None:
    """Of every map, kept as a whole or not."""
    keys = path.replace("[]", "")
    before, after = nested(keys, {"a": "x", "b": "x"}), nested(keys, {"a": "x"})
    (difference,) = differences(before, after)
    assert judge(type_, difference, before, after, {}).effect is not NONE


def test_no_field_of_kubernetes_is_said_to_be_both() -> None:
    assert not [
        f"{kind} {path}"
        for kind, refused in REFUSED.items()
        for path in refused
        if any(path == replaced or path.startswith(f"{replaced}.") for replaced in REPLACED.get(kind, ()))
    ]
