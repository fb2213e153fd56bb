"""What must exist before what is created. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.rehearsal.engine import depending
from ops.rehearsal.engine.events import short
from policies import kinds


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some resources of a stack."""

    named: str
    types: str
    """Text that only their URNs have: the component's type and their own."""
    of_graph: str = ""
    """End of the logical names that begin with a graph's name; empty for what all graphs share."""

    def find(self, state: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """URN → name of the graph, or nothing."""
        urns = [each["urn"] for each in state if self.types in each["urn"]]
        end = self.of_graph
        return {urn: urn.rpartition("::")[2].removesuffix(end) if end else "" for urn in urns if urn.endswith(end)}


_CLUSTER = Part(named="the cluster", types=f"${kinds.CLUSTER}::")
_NAMESPACE = Part(named="the namespace", types=f":WorkloadNamespace${kinds.NAMESPACE}::")
_WEIGHTS = Part(named="the weights Job", types=f":Weights${kinds.JOB}::")
_GRAPH = Part(named="the graph", types=f"${kinds.GRAPH}::", of_graph="-graph")
_ACCOUNT = Part(
    named="the graph's binding", types=f":RuntimeIdentity${kinds.ROLE_BINDING}::", of_graph="-identity-binding"
)
_VERIFICATION = Part(named="the verification", types=f":Verification${kinds.JOB}::", of_graph="-proof-job")
_SERVICE = Part(named="the endpoint", types=f":Endpoint${kinds.SERVICE}::", of_graph="-endpoint-service")
_ROUTE = Part(named="the endpoint", types=f":Endpoint${kinds.HTTP_ROUTE}::", of_graph="-endpoint-route")
ORDER = (
    (Part(named="Cloud NAT", types=f":Network${kinds.ROUTER_NAT}::"), _CLUSTER),  # the nodes' way to registries
    (Part(named="the key's grant", types=f"${kinds.KEY_GRANT}::"), _CLUSTER),  # GKE encrypts its database with the key
    (Part(named="the nodes' role", types=f":NodeIdentity${kinds.PROJECT_GRANT}::"),
     Part(named="the GPU pool", types=f":GpuPool${kinds.NODE_POOL}::")),  # nodes without it cannot fetch images
    (Part(named="the pods' admission policy", types=f":PodRules${kinds.ADMISSION_BINDING}::"), _NAMESPACE),
    (Part(named="the token", types=f":WorkloadNamespace${kinds.SECRET}::"), _WEIGHTS),
    (Part(named="the bucket's grant", types=f":Weights${kinds.BUCKET_GRANT}::"), _GRAPH),  # pods mount the bucket
    (_WEIGHTS, _GRAPH),  # engines would not find their model
    (Part(named="the NetworkPolicy", types=f":NetworkPolicies${kinds.NETWORK_POLICY}::"), _GRAPH),  # pods would be open
    (Part(named="the claim template", types=f"${kinds.CLAIM_TEMPLATE}::"), _GRAPH),
    (Part(named="the pods' network", types=f":DeviceNetworks${kinds.DEVICE_NETWORK}::"), _GRAPH),
    (_ACCOUNT, _GRAPH),  # workers and frontends would not find each other
    (_GRAPH, _VERIFICATION),
    (_VERIFICATION, _SERVICE),  # no client reaches a graph that is not verified
    (_VERIFICATION, _ROUTE),
    (Part(named="the policy of the backend", types=f":Endpoint${kinds.BACKEND_POLICY}::", of_graph="-endpoint-backend"),
     _ROUTE),  # the route would be open to everyone
)  # fmt: skip


def violations(state: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each resource that the engine may create before what must exist by then.

    What two parts of one graph need of each other does not hold for two graphs.
    """
    resources = list(state)
    direct = depending.direct(resources)
    for first, then in ORDER:
        earlier = first.find(resources)
        for urn, graph in then.find(resources).items():
            known = depending.reachable(urn, direct)
            for other, of in earlier.items():
                if other not in known and not (first.of_graph and then.of_graph and graph != of):
                    why = f"{then.named} may be created before {first.named}"
                    yield f"{short(urn)} does not depend on {short(other)}: {why}"
