"""The IP ranges of an environment, apart from one another by construction."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice


@dataclass(frozen=True, kw_only=True)
class AddressPlan:
    nodes: str = "10.0.0.0/20"
    # GKE takes a /24 of this for each node at its default of 110 pods: 1,024 nodes.
    pods: str = "10.4.0.0/14"
    services: str = "10.8.0.0/20"
    # Regional Envoy load balancers (Gateways) are never programmed without a proxy-only subnet; /23 is advised.
    proxies: str = "10.9.0.0/23"
    # The second gVNIC and each RDMA NIC have a network of their own: one address a node in each.
    second_gvnic: str = "192.168.64.0/24"
    rdma: str = "192.168.128.0/18"

    def rdma_subnets(self, nics: int) -> tuple[str, ...]:
        """One range for each NIC of a node, in rail order: eight /21 of a /18."""
        prefix = 18 + (nics - 1).bit_length()
        return tuple(str(net) for net in islice(IPv4Network(self.rdma).subnets(new_prefix=prefix), nics))
