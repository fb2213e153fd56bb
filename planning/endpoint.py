"""How clients reach the frontends, and the addresses that their requests come from."""

from planning.surroundings import Endpoint, Gateway, InCluster, Internal
from settings.endpoint import Endpoint as EndpointSettings
from settings.endpoint import Exposure

# Addresses of private networks: the VPC and what is connected to it. A passthrough load balancer keeps the client's.
PRIVATE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")

# Google asks from there whether a load balancer's backend is healthy.
HEALTH_CHECKS = ("35.191.0.0/16", "130.211.0.0/22")


def endpoint(settings: EndpointSettings) -> Endpoint:
    match settings.exposure:
        case Exposure.NONE:
            return InCluster()
        case Exposure.INTERNAL:
            return Internal(global_access=settings.global_access)
        case Exposure.GATEWAY:
            assert settings.domain is not None  # the settings demand it with this exposure
            return Gateway(domain=settings.domain, allowed_cidrs=settings.allowed_cidrs)


def client_ranges(endpoint: Endpoint, proxies: str) -> tuple[str, ...]:
    """Addresses outside the cluster from which requests reach the frontends. Pods are never meant: an ipBlock of a
    NetworkPolicy matches none. `proxies` is the range of the gateway's proxies.
    """
    match endpoint:
        case InCluster():
            return ()
        case Internal():  # whether a node may be asked is found out at the node, not at a pod
            return PRIVATE_RANGES
        case Gateway():  # its proxies ask in the client's place, and Cloud Armor has chosen the clients
            return (proxies, *HEALTH_CHECKS)
