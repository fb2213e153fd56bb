"""The place of a stack: its zone and ranges, or a cluster or VPC that is there; what contradicts it, what to watch."""

from collections.abc import Iterator, Sequence

from catalog import locations, versions
from catalog.capacity import reservation_owner
from catalog.machines import Machine
from catalog.rdma import RdmaMode
from planning import names
from planning.cluster import cluster_ref
from planning.types import Pool
from reading.errors import Fault, join
from settings import addresses
from settings.schema import ExistingCluster, Exposure, Settings

# An existing cluster has all else already; what these say still goes for the pools that are added to it.
_WITH_AN_EXISTING_CLUSTER = {"existing", "deletion_protection"}


def faults(settings: Settings, most_nodes: int, node: Machine) -> list[Fault]:
    """What contradicts the place, for graphs that may ask for `most_nodes` GPU nodes."""
    return [*_contradictions(settings), *_range_faults(settings, most_nodes, node)]


def warnings(settings: Settings, gpu_pools: Sequence[Pool]) -> Iterator[str]:
    """What has to be right in a cluster or VPC that is there and cannot be seen from here, and what has no effect.

    `gpu_pools` are those that the graphs need, the stack's to make or not.
    """
    existing, vpc = settings.cluster.existing, settings.network.existing
    if existing:
        yield (
            "cluster.existing: the control plane must reach its nodes on tcp 9443, else every write of a graph times "
            "out; docs/adopt.md"
        )
        if cluster_ref(settings).name is None:
            yield (
                "cluster.existing.context: does not tell the cluster's name in GKE, so no dashboard and no alerts are "
                "made; give cluster.existing.name before the first `pulumi up`, since later it replaces every object"
            )
    if existing and not settings.makes_gpu_pools and gpu_pools:
        nodes, most = (sum(getattr(pool, count) for pool in gpu_pools) for count in ("nodes", "most_nodes"))
        count = f"{nodes}" if nodes == most else f"{nodes}, and scaled up {most},"
        rdma = settings.network.rdma
        wired = f", wired as network.rdma {rdma} says" if rdma is not RdmaMode.NONE else ""
        machine = gpu_pools[0].machine.name
        yield f"cluster.existing: no GPU pool is added, so it must have {count} × {machine} free{wired}"
        yield (
            f"cluster.existing: its GPU nodes must run NVIDIA driver {versions.OLDEST_DRIVER} or newer, as the CUDA 13 "
            f"of runtime {settings.versions.runtime} needs; older ones fail when an engine starts. `kubectl exec "
            "POD-WITH-A-GPU -- nvidia-smi --query-gpu "
            "driver_version --format csv` prints it; docs/adopt.md has the rest"
        )
    if settings.capacity and not (settings.makes_gpu_pools and gpu_pools):
        yield "capacity: mode and reservation have no effect, no GPU pool is made; maxNodes still limits"
    if vpc:
        yield "network.existing: the VPC must have NAT, else nodes pull no image; none is made in it"
        if settings.endpoint.exposure is Exposure.GATEWAY:
            yield "network.existing: the VPC must have a proxy-only subnet, else the gateway is never programmed"
        if vpc.project and vpc.project != settings.project:
            yield (
                f"network.existing: {vpc.project} is another project, so its firewall must let the control plane reach "
                "nodes on tcp 9443, and GKE's service agent needs roles there; docs/adopt.md has the commands"
            )


def _contradictions(settings: Settings) -> Iterator[Fault]:
    place = settings.location
    for key, message in locations.errors(place.region, place.zone, allow_unlisted=place.allow_unlisted):
        yield Fault(join("location", key), message)
    yield from _other_zone(settings)
    yield from _block_of_another_project(settings)
    yield from _existing_cluster(settings)
    yield from _existing_vpc(settings)
    yield from _ranges_without_effect(settings)


def _other_zone(settings: Settings) -> Iterator[Fault]:
    reservation = settings.capacity.reservation if settings.capacity else None
    if not reservation or "/zones/" not in reservation:
        return
    zone = reservation.split("/zones/")[1].partition("/")[0]
    if zone != settings.location.zone:
        yield Fault(
            "capacity.reservation",
            f"is in zone {zone}, the GPU nodes are in {settings.location.zone}; set location.zone to {zone}, or "
            "name a reservation of the nodes' zone",
        )


def _block_of_another_project(settings: Settings) -> Iterator[Fault]:
    """Google's own module for GKE node pools says so ("Shared extended reservations are not supported by GKE")."""
    reservation = settings.capacity.reservation if settings.capacity else None
    whole, _, block = (reservation or "").partition("/reservationBlocks/")
    owner = reservation_owner(whole)
    if block and owner not in ("", settings.project):
        yield Fault(
            "capacity.reservation",
            f"{reservation} is a block of a reservation of project {owner}, and GKE supports blocks of the stack's own "
            f"project, {settings.project}, only; name the whole reservation, {whole}, or set gcp:project to {owner}",
        )


def _existing_cluster(settings: Settings) -> Iterator[Fault]:
    cluster, existing = settings.cluster, settings.cluster.existing
    if existing is None:
        return
    for name in sorted(cluster.model_fields_set - _WITH_AN_EXISTING_CLUSTER):
        yield Fault(
            join("cluster", type(cluster).model_fields[name].alias or name),
            "has no effect on cluster.existing, which was made with its own; take one of the two out",
        )
    yield from _reserved_namespace(settings)
    yield from _other_clusters(settings, existing)
    if settings.network.existing:
        yield Fault(
            "network.existing",
            "contradicts cluster.existing, which lies in a network already; take one of them out",
        )


def _reserved_namespace(settings: Settings) -> Iterator[Fault]:
    """A namespace that Kubernetes, GKE or another stack's operator uses."""
    name = settings.namespace
    if name.endswith(names.platform_namespace("")):
        why = "namespaces that end in -system are those of operators, such as another stack's"
    elif name == "default" or name.startswith(("kube-", "gke-", "gmp-")):
        why = "it is one of the cluster's own"
    else:
        return
    yield Fault(
        "cluster.existing.namespace",
        f"{name} cannot be used: {why}; give another, such as {f'dynamo-{settings.stack}'.removesuffix('-system')}-llm",
    )


def _other_clusters(settings: Settings, existing: ExistingCluster) -> Iterator[Fault]:
    """A context, a name, a project and a region that are not of one cluster."""
    told = existing.told
    if told and told["project"] != settings.project:
        yield Fault(
            "cluster.existing.context",
            f"is of project {told['project']}, and the stack's is {settings.project}, where metrics, addresses and "
            f"identities would be looked for; set gcp:project to {told['project']}, or name a context of "
            f"{settings.project}",
        )
    if told and existing.name not in (None, told["name"]):
        yield Fault(
            "cluster.existing.name",
            f"{existing.name} is not the cluster of cluster.existing.context, {told['name']}: pools would go to the "
            "one, the graphs to the other; take one of the two out",
        )
    location, region = cluster_ref(settings).location, settings.location.region
    if told and existing.location not in (None, told["location"]):
        yield Fault(
            "cluster.existing.location",
            f"{existing.location} is not where cluster.existing.context says, {told['location']}; take it out",
        )
    elif location != region and not location.startswith(f"{region}-"):
        yield Fault(
            "cluster.existing.location",
            f"{location} is not in region {region}, where bucket, addresses and pools would be made; set location to "
            "the cluster's region and one of its zones",
        )
    elif location not in (region, *locations.known().zones_of(region)) and not settings.location.allow_unlisted:
        yield Fault(
            "cluster.existing.location",
            f"{location} is not among the zones of {region}: {', '.join(locations.known().zones_of(region))}"
            f"{locations.unlisted()}",
        )


def _existing_vpc(settings: Settings) -> Iterator[Fault]:
    vpc = settings.network.existing
    if vpc is None:
        return
    if vpc.vpc.startswith(f"{names.cluster(settings.stack)}-"):
        yield Fault(
            "network.existing.vpc",
            f"{vpc.vpc} is named like the networks that the stack makes itself; name another "
            "VPC, or take network.existing out",
        )
    if vpc.pods_range == vpc.services_range:
        yield Fault(
            "network.existing.servicesRange",
            f"{vpc.services_range} is the range of the pods too; Services need one of their own; name another "
            "secondary range of the subnet, such as services",
        )


def _ranges_without_effect(settings: Settings) -> Iterator[Fault]:
    """Ranges that nothing is made with; and the proxies', which is asked for where they are somebody else's."""
    network, given = settings.network, settings.network.ranges.model_fields_set
    if there := _there(settings):
        behind_proxies = _behind_proxies_that_are_there(settings)
        for name in addresses.CLUSTER_RANGES:
            if name in given and not (name == "proxies" and behind_proxies):
                yield Fault(
                    join("network.ranges", name), f"has no effect with {there}, whose ranges are there; take it out"
                )
        if behind_proxies and "proxies" not in given:
            yield Fault(
                "network.ranges.proxies",
                f"is required with {there} and exposure gateway: only the gateway's proxies are let in to the "
                "frontends. Theirs is listed by `gcloud compute networks subnets list "
                "--filter=purpose=REGIONAL_MANAGED_PROXY`",
            )
    if not _own_nic_networks(settings):
        why = f"network.rdma {network.rdma}" if settings.makes_gpu_pools else "cluster.existing without addGpuPools"
        for name in addresses.NIC_RANGES:
            if name in given:
                yield Fault(
                    join("network.ranges", addresses.key(name)),
                    f"has no effect with {why}: no network is made for it; take it out",
                )


def _there(settings: Settings) -> str:
    """The setting that names what is there already; empty where the stack makes cluster and VPC."""
    if settings.cluster.existing:
        return "cluster.existing"
    return "network.existing" if settings.network.existing else ""


def _behind_proxies_that_are_there(settings: Settings) -> bool:
    return bool(_there(settings)) and settings.endpoint.exposure is Exposure.GATEWAY


def _own_nic_networks(settings: Settings) -> bool:
    """Whether networks for the nodes' other NICs are made, with ranges of ours."""
    return settings.makes_gpu_pools and settings.network.rdma.own_networks


def _range_faults(settings: Settings, most_nodes: int, node: Machine) -> list[Fault]:
    gpu_nodes = max(most_nodes, (settings.capacity and settings.capacity.max_nodes) or 0)
    used = () if _there(settings) else addresses.CLUSTER_RANGES
    if _behind_proxies_that_are_there(settings):
        used = ("proxies",)
    return addresses.faults(
        "network.ranges",
        settings.network.ranges,
        used + (addresses.NIC_RANGES if _own_nic_networks(settings) else ()),
        nodes=gpu_nodes + settings.cluster.system_pool.most_nodes,
        gpu_nodes=gpu_nodes,
        nics=node.rdma_nics,
    )
