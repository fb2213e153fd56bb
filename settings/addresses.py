"""The IP ranges of an environment, and checks that they are large enough and do not overlap."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations, islice
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from reading.errors import Error, Fix, join, shown
from reading.fixes import MAX_FIXES
from reading.frozen import Frozen
from settings.forms import IPV4_RANGE

# Addresses that Google Cloud reserves in every subnet's primary range.
RESERVED_ADDRESSES = 4

# Google Cloud refuses a subnet with any of these addresses, and one with all of a special-purpose range and others.
_PROHIBITED = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "199.36.153.4/30",
            "199.36.153.8/30",
            "224.0.0.0/4",
            "255.255.255.255/32",
        ),
    )
)
_SHARED = IPv4Network("100.64.0.0/10")  # of providers, and inside of a VPC as good as a private one
_INTERNAL = (*map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")), _SHARED)
_SPECIAL = (
    *_INTERNAL,
    *map(
        IPv4Network,
        (
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",
        ),
    ),
)

# Start addresses of ranges to propose: private ones, outside the defaults.
_STARTS = tuple(map(IPv4Address, ("10.64.0.0", "10.128.0.0", "172.16.0.0", "192.168.0.0")))

# GKE takes a /24 of the pod range for each node, at its default of 110 pods per node.
POD_BITS_PER_NODE = 8

# Longest prefix of a proxy-only subnet for regional Envoy load balancers (Gateways), and the one that Google advises.
SMALLEST_PROXIES = 26
_ADVISED_PROXIES = 23


def _ipv4_range(text: str, info: ValidationInfo) -> str:
    example = f"an example is {_default(info.field_name or '')}"
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        raise ValueError(f"{shown(text)} is not a range of IPv4 addresses; {example}") from None
    if any(map(network.overlaps, _PROHIBITED)):
        raise ValueError(f"{text} is not a range for machines; {example}")
    if str(network) != text:
        raise ValueError(f"{text} has bits after its prefix; the range that contains it is {network}")
    if mixed := _mixed(network):
        raise ValueError(
            f"{text} holds the special-purpose range {mixed} and other addresses, which Google Cloud refuses; {example}"
        )
    return text


def _mixed(network: IPv4Network) -> IPv4Network | None:
    """The special-purpose range that is only a part of a range; None without one."""
    return next((part for part in _SPECIAL if part != network and part.subnet_of(network)), None)


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
    path: str,
    ranges: AddressPlan,
    used: Iterable[str],
    *,
    nodes: int,
    gpu_nodes: int,
    nics: int,
    existing: Collection[str] = (),
) -> list[Error]:
    """Errors of the `used` ranges, which are fields of AddressPlan, for that many nodes.

    `nodes`: all nodes of the cluster, including `gpu_nodes`. `nics`: RDMA NICs per node. `existing`: those that the
    stack does not create, so that another range cannot be chosen for them.
    """
    given = {name: IPv4Network(getattr(ranges, name)) for name in used}
    overlapped = _overlaps(ranges, given, existing)
    found: list[Error] = []
    proposed: list[IPv4Network] = []
    for name, network in given.items():
        at, needed = _key(path, name), gpu_nodes if name in NIC_RANGES else nodes
        longest = _longest_prefix(name, needed, nics)
        problems: list[str] = []
        if network.prefixlen > longest:
            problems.append(_too_small(name, network, longest, needed, nics))
        if others := overlapped[name]:
            named = [f"{_key(path, other)} ({given[other]})" for other in others]
            problems.append(f"{network} overlaps {_listed(named)}; all ranges of a stack must not overlap")
        if not problems:
            continue
        taken = [*(other for key, other in given.items() if key != name), *proposed]
        # What is proposed for one range is taken for the next: whoever follows both proposals has no new overlap.
        new = [] if name in existing else list(islice(_free(name, network, longest, taken), MAX_FIXES))
        proposed += new
        fixes = tuple(Fix(f"use {other}", {at: str(other)}) for other in new)
        found += [Error(at, problem, fixes) for problem in problems]
    return found


def _longest_prefix(name: str, needed: int, nics: int) -> int:
    """The longest prefix with room for that many nodes."""
    if name == "proxies":
        return SMALLEST_PROXIES
    if name == "services":
        return IPv4Network(0).prefixlen
    return next(p for p in range(32, 0, -1) if room(name, IPv4Network((0, p)), nics) >= needed)


def _too_small(name: str, given: IPv4Network, longest: int, needed: int, nics: int) -> str:
    if name == "proxies":
        return (
            f"{given} is smaller than the /{longest} that a proxy-only subnet must have; /{_ADVISED_PROXIES} is advised"
        )
    room_for = room(name, given, nics)
    what = (
        f"{nics} subnets, each with room for {room_for} of them" if name == "rdma" else f"room for {room_for} of them"
    )
    return (
        f"{given} is too small for {needed} {'GPU ' if name in NIC_RANGES else ''}nodes: it gives {what}; "
        f"a /{longest} holds them"
    )


def _listed(words: list[str]) -> str:
    return " and ".join([*filter(None, [", ".join(words[:-1])]), words[-1]])


def _default(name: str) -> str:
    return AddressPlan.model_fields[name].default


def key(name: str) -> str:
    """The key of a range in a stack file."""
    return AddressPlan.model_fields[name].alias or name


def _free(name: str, given: IPv4Network, longest: int, taken: Collection[IPv4Network]) -> Iterator[IPv4Network]:
    """Ranges with enough room that overlap none of the `taken`: of the given size, around the given one or internal;
    where no internal range of that size is free, the default, and internal ones of its size."""
    default = IPv4Network(_default(name))
    prefix, smaller = min(given.prefixlen, longest), min(default.prefixlen, longest)
    if name == "proxies" and given.prefixlen > longest:
        prefix = _ADVISED_PROXIES
    candidates = [given.supernet(new_prefix=prefix), *_internal(prefix, taken)]
    if smaller > prefix:
        candidates += [default.supernet(new_prefix=smaller), *_internal(smaller, taken)]
    for network in dict.fromkeys(candidates):
        if not _mixed(network) and not any(map(network.overlaps, (*taken, *_PROHIBITED))):
            yield network


def _internal(prefix: int, taken: Iterable[IPv4Network]) -> Iterator[IPv4Network]:
    """Private ranges of that size, at the start of a block or next to one that is taken, and then shared ones."""
    size = 1 << (32 - prefix)
    starts = (*map(int, _STARTS), *(int(network.broadcast_address) + 1 for network in taken), int(_SHARED[0]))
    for start in starts:
        address = -(-start // size) * size
        if any(int(block[0]) <= address and address + size - 1 <= int(block[-1]) for block in _INTERNAL):
            yield IPv4Network((address, prefix))


def _key(path: str, name: str) -> str:
    return join(path, key(name))


def room(name: str, network: IPv4Network, nics: int = 1) -> int:
    """Max nodes for a range used as the field `name` of AddressPlan."""
    if name == "pods":
        return network.num_addresses >> POD_BITS_PER_NODE
    subnets = 1 << (nics - 1).bit_length() if name == "rdma" else 1
    return max(0, network.num_addresses // subnets - RESERVED_ADDRESSES)


def _overlaps(ranges: AddressPlan, given: Mapping[str, IPv4Network], existing: Collection[str]) -> dict[str, list[str]]:
    """Name → the ranges that it overlaps. Each pair counts once: for the range that can be changed, then for the one
    that the stack sets, else for the later one."""
    found: dict[str, list[str]] = {name: [] for name in given}
    for one, other in combinations(given, 2):
        if given[one].overlaps(given[other]):
            first, second = ((name not in existing, name in ranges.model_fields_set) for name in (one, other))
            at, with_ = (one, other) if first > second else (other, one)
            found[at].append(with_)
    return found
