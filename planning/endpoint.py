"""How clients reach the frontends, and the source addresses of their requests."""

from planning.surroundings import Endpoint, Gateway, InCluster, Internal
from settings.endpoint import Endpoint as EndpointSettings
from settings.endpoint import Exposure

# Private address ranges: the VPC and connected networks. A passthrough load balancer keeps the client's address.
PRIVATE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")

# Source ranges of the health checks of Google's load balancers.
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
    """Source addresses, outside the cluster, of requests to the frontends. Pods are not included, because an ipBlock
    of a NetworkPolicy never matches them. `proxies`: the range of the gateway's proxies.
    """
    match endpoint:
        case InCluster():
            return ()
        case Internal():  # Google checks the health of nodes, not of pods
            return PRIVATE_RANGES
        case Gateway():  # requests come from the proxies, after Cloud Armor has filtered the clients
            return (proxies, *HEALTH_CHECKS)
