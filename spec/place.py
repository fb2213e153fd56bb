"""The place of a stack: its zone and ranges, or a cluster or VPC that is there; what contradicts it, what to watch."""

from collections.abc import Iterator

from spec import addresses
from spec.cluster import GKE_CONTEXT, cluster_ref
from spec.faults import Fault, join
from spec.machines import Machine
from spec.settings import Exposure, Settings

# An existing cluster has all else already; what these say still goes for the pools that are added to it.
_WITH_AN_EXISTING_CLUSTER = {"existing", "deletion_protection"}


def faults(settings: Settings, most_nodes: int, node: Machine) -> list[Fault]:
    """What contradicts the place, for graphs that may ask for `most_nodes` GPU nodes."""
    return [*_contradictions(settings), *_range_faults(settings, most_nodes, node)]


def warnings(settings: Settings, gpu_nodes: int, node: Machine) -> Iterator[str]:
    """What has to be right in a cluster or VPC that is there and cannot be seen from here."""
    existing, vpc = settings.cluster.existing, settings.network.existing
    if existing:
        yield "cluster.existing: what the cluster and its own nodes cost is not counted"
        if not settings.makes_gpu_pools and gpu_nodes:
            yield (
                f"cluster.existing: no GPU pool is added, so it must have {gpu_nodes} × {node.name} free, "
                f"wired as network.rdma {settings.network.rdma} says"
            )
            if settings.capacity:
                yield "capacity: has no effect, no GPU pool is added to cluster.existing"
        if cluster_ref(settings).name is None:
            yield (
                "cluster.existing.context: does not tell the cluster's name in GKE, so no dashboard and no alerts are "
                "made; give cluster.existing.name, too"
            )
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
    reservation = settings.capacity.reservation if settings.capacity else None
    if reservation and "/zones/" in reservation:
        zone = reservation.split("/zones/")[1].partition("/")[0]
        if zone != settings.location.zone:
            yield Fault(
                "capacity.reservation",
                f"is in zone {zone}, the GPU nodes are in {settings.location.zone}; set location.zone to {zone}, or "
                "name a reservation of the nodes' zone",
            )
    network, cluster = settings.network, settings.cluster
    if cluster.existing:
        for name in sorted(cluster.model_fields_set - _WITH_AN_EXISTING_CLUSTER):
            yield Fault(
                join("cluster", type(cluster).model_fields[name].alias or name),
                "has no effect on cluster.existing, which was made with its own; take one of the two out",
            )
        told = GKE_CONTEXT.fullmatch(cluster.existing.context or "")
        if told and told["project"] != settings.project:
            yield Fault(
                "cluster.existing.context",
                f"is of project {told['project']}, and the stack's is {settings.project}, where metrics, addresses and "
                "identities would be looked for; set gcp:project to the cluster's",
            )
        if network.existing:
            yield Fault(
                "network.existing",
                "contradicts cluster.existing, which lies in a network already; take one of them out",
            )
    given = network.ranges.model_fields_set
    if cluster.existing or network.existing:
        there = "cluster.existing" if cluster.existing else "network.existing"
        behind_proxies = settings.endpoint.exposure is Exposure.GATEWAY
        for name in addresses.CLUSTER_RANGES:
            if name == "proxies" and behind_proxies:
                continue
            if name in given:
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


def _own_nic_networks(settings: Settings) -> bool:
    """Whether networks for the nodes' other NICs are made, with ranges of ours."""
    return settings.makes_gpu_pools and settings.network.rdma.own_networks


def _range_faults(settings: Settings, most_nodes: int, node: Machine) -> list[Fault]:
    gpu_nodes = max(most_nodes, (settings.capacity and settings.capacity.max_nodes) or 0)
    there = settings.cluster.existing or settings.network.existing
    used = () if there else addresses.CLUSTER_RANGES
    return addresses.faults(
        "network.ranges",
        settings.network.ranges,
        used + (addresses.NIC_RANGES if _own_nic_networks(settings) else ()),
        nodes=gpu_nodes + settings.cluster.system_pool.most_nodes,
        gpu_nodes=gpu_nodes,
        nics=node.rdma_nics,
    )
