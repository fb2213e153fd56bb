"""The IP ranges of an environment, and checks that they are large enough and do not overlap."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations, islice
from typing import Annotated

from pydantic import AfterValidator, Field

from reading.errors import Error, Fix, join, shown
from reading.frozen import Frozen
from settings.forms import IPV4_RANGE

# Addresses that Google Cloud reserves in every subnet's primary range.
RESERVED_ADDRESSES = 4

_THIS_NETWORK = IPv4Network("0.0.0.0/8")

# Start addresses of ranges to propose: in the blocks of RFC 1918, outside the defaults.
_PRIVATE = ("10.64.0.0", "10.128.0.0", "172.16.0.0", "192.168.0.0")

# GKE takes a /24 of the pod range for each node, at its default of 110 pods per node.
POD_BITS_PER_NODE = 8

# Longest prefix of a proxy-only subnet for regional Envoy load balancers (Gateways); Google recommends /23.
SMALLEST_PROXIES = 26


def _ipv4_range(text: str) -> str:
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        raise ValueError(f"{shown(text)} is not a range of IPv4 addresses; an example is 10.0.0.0/20") from None
    if network.is_loopback or network.is_link_local or network.is_multicast or network.overlaps(_THIS_NETWORK):
        raise ValueError(f"{text} is not a range for machines; an example is 10.0.0.0/20")
    if str(network) != text:
        raise ValueError(f"{text} has bits after its prefix; the range that contains it is {network}")
    return text


Range = Annotated[str, AfterValidator(_ipv4_range), Field(json_schema_extra={**IPV4_RANGE})]


class AddressPlan(Frozen):
    """IP ranges of a stack, those of the cluster's VPC first, for 1,024 nodes by default. Few can be changed later."""

    nodes: Range = "10.0.0.0/20"
    """Subnet of the nodes: one address per node, and those of internal load balancers."""
    pods: Range = "10.4.0.0/14"
    """Secondary range for pods: a /24 per node."""
    services: Range = "10.8.0.0/20"
    """Secondary range for Services."""
    proxies: Range = "10.9.0.0/23"
    """Proxy-only subnet of a gateway."""
    second_gvnic: Range = "192.168.64.0/24"
    """Network of the GPU nodes' second gVNIC: one address per node."""
    rdma: Range = "192.168.128.0/18"
    """Split into one subnet per RDMA NIC of a node, with one address per node in each."""

    def rdma_subnets(self, nics: int) -> tuple[str, ...]:
        """One range per NIC of a node, in rail order: eight /21 of the default /18."""
        network = IPv4Network(self.rdma)
        prefix = network.prefixlen + (nics - 1).bit_length()
        return tuple(str(net) for net in islice(network.subnets(new_prefix=prefix), nics))


CLUSTER_RANGES = ("nodes", "pods", "services", "proxies")
RDMA_RANGES = ("rdma",)
NIC_RANGES = ("second_gvnic", *RDMA_RANGES)


def errors(
    path: str, ranges: AddressPlan, used: tuple[str, ...], *, nodes: int, gpu_nodes: int, nics: int
) -> list[Error]:
    """Errors of the `used` ranges, which are fields of AddressPlan, for that many nodes.

    `nodes`: all nodes of the cluster, including `gpu_nodes`. `nics`: RDMA NICs per node.
    """
    found = list(_overlaps(path, ranges, used))
    for name in used:
        given = IPv4Network(getattr(ranges, name))
        if name == "proxies":
            found += _small_for_proxies(_key(path, name), given)
        elif name != "services":
            needed = gpu_nodes if name in NIC_RANGES else nodes
            found += _small_for_nodes(_key(path, name), name, given, needed, nics)
    return found


def _small_for_proxies(path: str, given: IPv4Network) -> Iterator[Error]:
    if given.prefixlen > SMALLEST_PROXIES:
        yield Error(
            path, f"{given} is smaller than the /{SMALLEST_PROXIES} that a proxy-only subnet must have; /23 is advised"
        )


def _small_for_nodes(path: str, name: str, given: IPv4Network, needed: int, nics: int) -> Iterator[Error]:
    room_for = room(name, given, nics)
    if room_for < needed:
        prefix = next(p for p in range(given.prefixlen, 0, -1) if room(name, IPv4Network((0, p)), nics) >= needed)
        what = (
            f"{nics} subnets, each with room for {room_for} of them"
            if name == "rdma"
            else f"room for {room_for} of them"
        )
        yield Error(
            path,
            f"{given} is too small for {needed} {'GPU ' if name in NIC_RANGES else ''}nodes: it gives {what}; "
            f"a /{prefix} holds them",
            _other_ranges(path, given, prefix),
        )


def key(name: str) -> str:
    """The key of a range in a stack file."""
    return AddressPlan.model_fields[name].alias or name


def _other_ranges(path: str, given: IPv4Network, prefix: int) -> tuple[Fix, ...]:
    """Fixes with a range of that size: around the given one, else at the start of a block of private addresses."""
    around = given.supernet(new_prefix=min(prefix, given.prefixlen))
    blocks = [IPv4Network((block, prefix), strict=False) for block in _PRIVATE]
    return tuple(Fix(f"use {network}", {path: str(network)}) for network in (around, *blocks))


def _key(path: str, name: str) -> str:
    return join(path, key(name))


def room(name: str, network: IPv4Network, nics: int = 1) -> int:
    """Max nodes for a range used as the field `name` of AddressPlan."""
    if name == "pods":
        return network.num_addresses >> POD_BITS_PER_NODE
    subnets = 1 << (nics - 1).bit_length() if name == "rdma" else 1
    return max(0, network.num_addresses // subnets - RESERVED_ADDRESSES)


def _overlaps(path: str, ranges: AddressPlan, used: tuple[str, ...]) -> Iterator[Error]:
    for one, other in combinations(used, 2):
        first, second = IPv4Network(getattr(ranges, one)), IPv4Network(getattr(ranges, other))
        if first.overlaps(second):
            # Report the range that the stack sets, else the later one.
            given = ranges.model_fields_set
            at, with_ = (one, other) if one in given and other not in given else (other, one)
            yield Error(
                _key(path, at),
                f"{getattr(ranges, at)} overlaps {_key(path, with_)}, {getattr(ranges, with_)}; all ranges of a stack "
                "must not overlap",
                _other_ranges(
                    _key(path, at), IPv4Network(getattr(ranges, at)), IPv4Network(getattr(ranges, at)).prefixlen
                ),
            )
