"""Checks the client address ranges of a public gateway: each by itself, and their total share of the internet.

The settings and the policy pack use the same check.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from reading.errors import shown

Network = IPv4Network | IPv6Network

EXAMPLE = "203.0.113.0/24"

# Max total size of a gateway's ranges per family, as a prefix length. The largest IPv4 block of one organization is a
# /8; whoever needs more does not know their clients. An IPv6 provider starts with a /32, and a /20 is 4,096 of those.
WIDEST: Mapping[int, int] = {4: 8, 6: 20}

_EVERYTHING: Mapping[int, Network] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}

# Ranges without internet clients (IANA's registries of special-purpose addresses) → reason. The first that contains
# a given range applies.
_NOT_PUBLIC: Mapping[str, str] = {
    "0.0.0.0/8": "of this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "private, of a provider",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "of protocols",
    "192.0.2.0/24": "for documentation",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "for benchmarks",
    "198.51.100.0/24": "for documentation",
    "203.0.113.0/24": "for documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
    "100::/64": "discarded",
    "2001:db8::/32": "for documentation",
    "3fff::/20": "for documentation",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "private",
    "ff00::/8": "multicast",
    # The registries assign addresses from 2000::/3 only.
    "::/3": "not handed out",
    "4000::/2": "not handed out",
    "8000::/1": "not handed out",
}

# IPv6 ranges whose addresses embed an IPv4 address, with the number of bits after it; None where it is split.
# A /96 of them looks narrow but means all of IPv4.
_CARRIES_IPV4: Mapping[IPv6Network, int | None] = {
    IPv6Network("::/96"): 0,  # IPv4-compatible
    IPv6Network("::ffff:0:0/96"): 0,  # IPv4-mapped
    IPv6Network("::ffff:0:0:0/96"): 0,  # IPv4-translated
    IPv6Network("64:ff9b::/96"): 0,  # NAT64
    IPv6Network("64:ff9b:1::/48"): None,  # NAT64 of a site
    IPv6Network("2001::/32"): None,  # Teredo
    IPv6Network("2002::/16"): 80,  # 6to4
}


def range_error(text: str) -> str | None:
    """The error of one range by itself; None if it is valid."""
    return form_error(text) or share_error([text])


def form_error(text: str) -> str | None:
    """Why a text is no range or a misleading one, such as IPv4 embedded in IPv6; None if `share_error` can check it."""
    try:
        network = ip_network(text)
    except ValueError:
        return f"{shown(text)} is not a range of addresses; {_nearest(text)}"
    if text.partition("/")[2] not in ("", str(network.prefixlen)) or "%" in text:
        return f"{shown(text)} is not a range of addresses as Google Cloud writes it; an example is {EXAMPLE}"
    return _embedded_ipv4_error(network) if isinstance(network, IPv6Network) else None


def share_error(texts: Sequence[str]) -> str | None:
    """The error of valid ranges that are too large together; None if they are not."""
    for version, networks in _merged(texts).items():
        limit = 2 ** (_EVERYTHING[version].max_prefixlen - WIDEST[version])
        held = _public(networks)
        if held > limit:
            share = 100 * held / _ALL_PUBLIC[version]
            whom = "everyone" if share == 100 else f"{share:.2g} % of all public IPv{version} addresses"
            opening = [network for network in networks if _public([network])]
            opens = "opens" if len(opening) == 1 else "open"
            return (
                f"{_listed(opening)} {opens} the model to {whom}; all ranges of a gateway together may be as large as "
                f"a /{WIDEST[version]}. Give the ranges of your clients, such as {EXAMPLE}"
            )
    return None


def without_effect(text: str) -> str | None:
    """Why a valid range admits no client; None if it admits clients."""
    network = ip_network(text)
    for kept, why in _NOT_PUBLIC.items():
        if _overlaps(network, ip_network(kept)) == network.num_addresses:
            return f"{text} admits nobody: its addresses are {why}, but clients on the internet have public ones"
    if network.version == 6:
        return f"{text} admits nobody: the gateway has an IPv4 address only, so clients come from IPv4 addresses"
    return None


def _nearest(text: str) -> str:
    """The range to propose for an address inside a range; else an example."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return f"an example is {EXAMPLE}"
    return f"the range that contains it is {network}, and its address alone is {text.partition('/')[0]}"


def _embedded_ipv4_error(network: IPv6Network) -> str | None:
    for carrier, behind in _CARRIES_IPV4.items():
        # `share_error` reports ranges that are also too large as IPv6.
        if not network.overlaps(carrier) or (not network.subnet_of(carrier) and share_error([str(network)])):
            continue
        wanted = "use IPv4 ranges instead"
        if behind is not None and network.subnet_of(carrier):
            address = int(network.network_address) >> behind & 0xFFFFFFFF
            meant = IPv4Network((address, min(32, network.prefixlen - carrier.prefixlen)))
            wanted = f"use {meant} instead" if share_error([str(meant)]) is None else wanted
        return f"{network} holds addresses of {carrier}, which stand for IPv4 addresses; {wanted}"
    return None


def _merged(texts: Iterable[str]) -> dict[int, list[Network]]:
    """Family → the fewest ranges with the same addresses. Raises ValueError for a text that is no range."""
    networks = [ip_network(text) for text in texts]
    four = [network for network in networks if isinstance(network, IPv4Network)]
    six = [network for network in networks if isinstance(network, IPv6Network)]
    return {4: [*collapse_addresses(four)], 6: [*collapse_addresses(six)]}


def _public(networks: Iterable[Network]) -> int:
    """The number of public addresses in ranges that do not overlap."""
    return sum(
        network.num_addresses - sum(_overlaps(network, kept) for kept in _KEPT[network.version]) for network in networks
    )


def _overlaps(one: Network, other: Network) -> int:
    """The number of addresses that two ranges share. Of two overlapping ranges, one contains the other."""
    return min(one.num_addresses, other.num_addresses) if one.overlaps(other) else 0


def _listed(networks: Sequence[Network], max_shown: int = 3) -> str:
    """The widest ranges in words, and the number of others."""
    widest = [str(network) for network in sorted(networks, key=lambda network: network.prefixlen)]
    more = f" and {len(widest) - max_shown} more" if len(widest) > max_shown else ""
    return ", ".join(widest[:max_shown]) + more


_KEPT = _merged(_NOT_PUBLIC)
_ALL_PUBLIC = {version: _public([everything]) for version, everything in _EVERYTHING.items()}
