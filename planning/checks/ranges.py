"""Checks the IP ranges of the stack: whether they are large enough, and which have no effect."""

from collections.abc import Iterator

from planning.resolve import ResolvedStack
from reading.errors import Error, join
from settings import addresses
from settings.endpoint import Exposure
from settings.schema import Settings


def errors(stack: ResolvedStack) -> Iterator[Error]:
    if existing := _existing(stack.settings):
        yield from _ranges_that_exist(stack.settings, existing)
    yield from _without_network(stack)
    yield from _too_small_or_overlapping(stack)


def _ranges_that_exist(settings: Settings, existing: str) -> Iterator[Error]:
    """Errors of ranges that the existing cluster or VPC already has. The stack needs only the range of its proxies."""
    given, behind_proxies = settings.network.ranges.model_fields_set, _behind_existing_proxies(settings)
    for name in addresses.CLUSTER_RANGES:
        if name in given and not (name == "proxies" and behind_proxies):
            yield Error(
                join("network.ranges", name), f"has no effect with {existing}, which has its own ranges; remove it"
            )
    if behind_proxies and "proxies" not in given:
        yield Error(
            "network.ranges.proxies",
            f"is required with {existing} and exposure gateway: the frontends admit only the gateway's "
            "proxies. List their range with `gcloud compute networks subnets list "
            "--filter=purpose=REGIONAL_MANAGED_PROXY`",
        )


def _without_network(stack: ResolvedStack) -> Iterator[Error]:
    """Errors of ranges for additional NICs, where the stack creates no networks for them."""
    settings = stack.settings
    network, given = settings.network, settings.network.ranges.model_fields_set
    used = _nic_ranges(stack)
    why = f"network.rdma {network.rdma}" if settings.creates_gpu_pools else "cluster.existing without addGpuPools"
    if settings.creates_gpu_pools and stack.rdma.own_networks:
        why = f"machine {' and '.join(machine.name for machine in stack.machines)}"
    for name in addresses.NIC_RANGES:
        if name in given and name not in used:
            yield Error(
                join("network.ranges", addresses.key(name)),
                f"has no effect with {why}: the stack creates no network for it; remove it",
            )


def _existing(settings: Settings) -> str:
    """The setting that names the existing cluster or VPC; empty if the stack creates both."""
    if settings.cluster.existing:
        return "cluster.existing"
    return "network.existing" if settings.network.existing else ""


def _behind_existing_proxies(settings: Settings) -> bool:
    return bool(_existing(settings)) and settings.endpoint.exposure is Exposure.GATEWAY


def _nic_ranges(stack: ResolvedStack) -> tuple[str, ...]:
    """The ranges of the networks that the stack creates for the nodes' additional NICs."""
    settings, wired = stack.settings, [machine.rdma for machine in stack.machines if machine.rdma]
    if not (wired and settings.creates_gpu_pools and stack.rdma.own_networks):
        return ()
    return addresses.NIC_RANGES if any(rdma.second_gvnic for rdma in wired) else addresses.RDMA_RANGES


def _too_small_or_overlapping(stack: ResolvedStack) -> list[Error]:
    settings = stack.settings
    gpu_nodes = max(stack.max_gpu_nodes, (settings.capacity and settings.capacity.max_nodes) or 0)
    used = () if _existing(settings) else addresses.CLUSTER_RANGES
    existing = ("proxies",) if _behind_existing_proxies(settings) else ()
    return addresses.errors(
        "network.ranges",
        settings.network.ranges,
        (*used, *existing, *_nic_ranges(stack)),
        nodes=gpu_nodes + settings.cluster.system_pool.max_nodes,
        gpu_nodes=gpu_nodes,
        nics=max(1, *(machine.rdma_nics for machine in stack.machines)),
        existing=existing,
    )
