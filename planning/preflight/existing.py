"""Checks whether an existing cluster or subnet has everything that the stack needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from catalog import gke_versions
from planning.preflight.check import PASSED, CheckResult, PreflightCheck, Verdict, failed
from settings.addresses import room


@dataclass(frozen=True, kw_only=True)
class ClusterState:
    """Features of a cluster that a stack may need."""

    version: str
    dataplane_v2: bool
    multi_networking: bool
    dns_endpoint: bool
    workload_pool: str
    """Workload pool of Workload Identity; empty if Workload Identity is off."""
    fuse_driver: bool
    gateway_api: bool
    secret_sync: bool
    managed_prometheus: bool
    ranges: Mapping[str, str]
    """Name → range of the addresses of nodes and pods; empty if the subnet was not found."""


@dataclass(frozen=True, kw_only=True)
class ExistingClusterFits(PreflightCheck):
    """The existing cluster has what the plan needs."""

    api = "container"
    role = "container.viewer"

    cluster: str
    location: str
    floor: gke_versions.Floor
    dataplane_v2_for: tuple[str, ...]
    """Parts of the stack that need Dataplane V2: RDMA, machines."""
    adds_rdma_pools: bool
    multi_networking: bool
    """Whether the stack creates the additional networks of those pools."""
    modes_without: tuple[str, ...]
    """RDMA modes of the machines that need no multi-networking."""
    by_dns_endpoint: bool
    reads_bucket: bool
    gateway: bool
    syncs_secret: bool
    planned_ranges: Mapping[str, str]
    """Setting → range of a network that the stack creates for additional NICs of nodes."""

    @property
    def condition(self) -> str:
        return f"cluster {self.cluster} exists in {self.location} and has the features that the stack needs"

    def judge(self, state: ClusterState | None) -> CheckResult:
        if state is None:
            return failed(
                f"cluster.existing: there is no cluster {self.cluster} in {self.location}; "
                f"`gcloud container clusters list --project={self.project}`"
            )
        if lacks := list(self._missing(state)):
            return failed(f"cluster.existing: {self.cluster} {'; it '.join(lacks)}")
        misses = "; it ".join(self._optional_features_missing(state))
        return CheckResult(verdict=Verdict.PASSED, sentence=misses and f"cluster.existing: {self.cluster} {misses}")

    def _optional_features_missing(self, state: ClusterState) -> Iterator[str]:
        """Missing features that a graph runs without, and that its operators may need."""
        if not state.dataplane_v2:
            yield "has no Dataplane V2, so the NetworkPolicies that isolate the graphs may not be enforced"
        if not state.managed_prometheus:
            yield "has no Managed Prometheus, so dashboard and alerts stay empty"

    def _missing(self, state: ClusterState) -> Iterator[str]:
        version = gke_versions.parsed(state.version)
        if version is None or version < self.floor.version:
            yield f"runs {state.version or 'an unknown version'}, but {self.floor.needed_by} needs {self.floor.version}"
        if self.dataplane_v2_for and not state.dataplane_v2:
            needed_by = " and ".join(self.dataplane_v2_for)
            yield f"has no Dataplane V2, without which {needed_by} cannot work; only cluster creation can turn it on"
        if self.adds_rdma_pools and self.multi_networking and not state.multi_networking:
            use = f"; use network.rdma {' or '.join(self.modes_without)}" if self.modes_without else ""
            yield f"has no multi-networking, which only cluster creation can turn on{use}"
        yield from self._missing_features(state)
        yield from _overlaps(self.planned_ranges, state.ranges)

    def _missing_features(self, state: ClusterState) -> Iterator[str]:
        """Missing features that an update of the cluster can turn on."""
        update = f"`gcloud container clusters update {self.cluster} --location={self.location} --project={self.project}"
        if self.by_dns_endpoint and not state.dns_endpoint:
            yield f"has no DNS endpoint; {update} --enable-dns-access`, or name a context in cluster.existing.context"
        pool = f"{self.project}.svc.id.goog"
        if self.reads_bucket and state.workload_pool != pool:
            yield f"has no Workload Identity of {self.project}; {update} --workload-pool={pool}`"
        if self.reads_bucket and not state.fuse_driver:
            yield f"has no Cloud Storage FUSE driver; {update} --update-addons=GcsFuseCsiDriver=ENABLED`"
        if self.gateway and not state.gateway_api:
            yield f"has no Gateway API; {update} --gateway-api=standard`"
        if self.syncs_secret and not state.secret_sync:
            yield f"does not sync secrets; {update} --enable-secret-sync`"


@dataclass(frozen=True, kw_only=True)
class SubnetState:
    """The ranges of an existing subnet."""

    range: str
    secondary: Mapping[str, str]
    """Name → secondary range."""
    private_google_access: bool
    vpc: str
    """The name of the subnet's network."""


@dataclass(frozen=True, kw_only=True)
class ExistingSubnetFits(PreflightCheck):
    """Check of an existing subnet. `project` is the VPC's project, which may differ from the stack's."""

    api = "compute"
    role = "compute.viewer"

    region: str
    vpc: str
    subnet: str
    secondary: tuple[str, str]
    """The secondary ranges for pods and Services."""
    nodes: int
    """Max nodes of the cluster."""
    planned_ranges: Mapping[str, str]
    """Setting → range of a network that the stack creates for additional NICs of nodes."""

    @property
    def condition(self) -> str:
        return f"subnet {self.subnet} exists in {self.region} and meets a cluster's needs"

    def judge(self, state: SubnetState | None) -> CheckResult:
        if state is None:
            return failed(
                f"network.existing.subnet: there is no {self.subnet} in {self.region}; "
                f"`gcloud compute networks subnets list --project={self.project} --regions={self.region}`"
            )
        if not is_range(state.range):
            return self.unknown("its range is unknown")
        lacks = list(self._missing(state))
        return failed(f"network.existing: subnet {self.subnet} {'; it '.join(lacks)}") if lacks else PASSED

    def _missing(self, state: SubnetState) -> Iterator[str]:
        update = (
            f"`gcloud compute networks subnets update {self.subnet} --project={self.project} --region={self.region}"
        )
        if state.vpc != self.vpc:
            yield f"belongs to VPC {state.vpc}, not to {self.vpc}"
        for name in self.secondary:
            if name not in state.secondary:
                has = f"it has {', '.join(sorted(state.secondary)) or 'none'}"
                yield f"has no secondary range {name} ({has}); {update} --add-secondary-ranges={name}=RANGE`"
        if not state.private_google_access:
            yield f"has no private Google access; {update} --enable-private-ip-google-access`"
        holds = {f"its range {state.range}": room("nodes", IPv4Network(state.range))}
        if pods := state.secondary.get(self.secondary[0]):
            holds[f"its pods' range {pods}"] = room("pods", IPv4Network(pods))
        for where, nodes in holds.items():
            if nodes < self.nodes:
                yield f"has room for {nodes} nodes in {where}, but the plan has up to {self.nodes}"
        yield from _overlaps(self.planned_ranges, {"its own range": state.range, **state.secondary})


def _overlaps(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[str]:
    for setting, mine in ours.items():
        for name, other in theirs.items():
            if IPv4Network(mine).overlaps(IPv4Network(other)):
                yield f"overlaps {setting}, {mine}, with {name}, {other}; choose another {setting}"


def is_range(text: str) -> bool:
    try:
        IPv4Network(text)
    except ValueError:
        return False
    return True
