"""The address ranges that count as internal: private networks and Google Cloud's health checks and proxies."""

from ipaddress import ip_network

_INSIDE = [
    ip_network(cidr)
    for cidr in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        # Google's health checks and proxies.
        "35.191.0.0/16",
        "130.211.0.0/22",
    )
]


def is_inside(cidr: str) -> bool:
    """Whether a range lies in private networks or Google's health checks; False for an invalid range."""
    try:
        network = ip_network(cidr)
    except ValueError:
        return False
    return any(network.version == inside.version and network.subnet_of(inside) for inside in _INSIDE)  # pyright: ignore[reportArgumentType]
