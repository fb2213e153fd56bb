"""What must exist before what is created. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from ops.rehearsal.engine import depending, named_by_pods
from ops.rehearsal.engine.events import short
from ops.rehearsal.engine.object_names import Name
from planning import names
from policies import kinds

Inputs = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some resources of a stack."""

    named: str
    types: str
    """Text that only their URNs have: their own type, after the component's where others have that type too."""
    of_graph: str = ""
    """End of the logical names that begin with a graph's name; empty for what all graphs share."""

    def find(self, urns: Iterable[str]) -> dict[str, str]:
        """URN → name of the graph, or nothing."""
        end, found = self.of_graph, [urn for urn in urns if self.types in urn]
        return {urn: urn.rpartition("::")[2].removesuffix(end) if end else "" for urn in found if urn.endswith(end)}


def _always(_: Inputs, __: Set[str]) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What exists of `first` does so before each of `then` is created."""

    first: Part
    then: Part
    needed: Callable[[Inputs, Set[str]], bool] = _always
    """Whether one of `first` must exist, by the inputs of `then` and all URNs. Of another graph is none."""
    followed: bool = False
    """Whether one of `then` must exist for each of `first`."""


def _in_own_network(_: Inputs, urns: Set[str]) -> bool:
    return any(f":Network${kinds.NETWORK}::" in urn for urn in urns)


def _encrypted(cluster: Inputs, _: Set[str]) -> bool:
    return bool((cluster.get("databaseEncryption") or {}).get("keyName"))


def _names(kind: str, name: str = "") -> Callable[[Inputs, Set[str]], bool]:
    """Whether the pods of an object name something of the kind."""

    def needed(inputs: Inputs, _: Set[str]) -> bool:
        if not {"kind", "metadata", "spec"} <= inputs.keys():
            return False
        found = (each for each in named_by_pods.names(inputs) if isinstance(each, Name))
        return any(each.kind == kind and name in ("", each.name) for each in found)

    return needed


_CLUSTER = Part(named="the cluster", types=f"{kinds.CLUSTER}::")
_NAMESPACE = Part(named="the namespace", types=f":WorkloadNamespace${kinds.NAMESPACE}::")
_WEIGHTS = Part(named="the weights Job", types=f":Weights${kinds.JOB}::")
_GRANT = Part(named="the bucket's grant", types=f"{kinds.BUCKET_GRANT}::")
_TOKEN = Part(named="the token", types=f"{kinds.SECRET}::")
_SYNCED = Part(named="the synced token", types="kubernetes:secret-sync.gke.io/v1:SecretSync::")
_GRAPH = Part(named="the graph", types=f"{kinds.GRAPH}::", of_graph="-graph")
_ACCOUNT = Part(named="the graph's binding", types=f"{kinds.ROLE_BINDING}::", of_graph="-identity-binding")
_VERIFICATION = Part(named="the verification", types=f"{kinds.JOB}::", of_graph="-proof-job")
_SERVICE = Part(named="the endpoint", types=f"{kinds.SERVICE}::", of_graph="-endpoint-service")
_ROUTE = Part(named="the endpoint", types=f"{kinds.HTTP_ROUTE}::", of_graph="-endpoint-route")
_BACKEND = Part(named="the policy of the backend", types=f"{kinds.BACKEND_POLICY}::", of_graph="-endpoint-backend")
_NEEDS_TOKEN = _names("Secret", names.HF_TOKEN_SECRET)
_NEEDS_SYNCED = _names("Secret", names.SYNCED_HF_TOKEN_SECRET)
_READS_BUCKET = _names("PersistentVolumeClaim", names.WEIGHTS_CLAIM)
ORDER = (
    Rule(first=Part(named="Cloud NAT", types=f"{kinds.ROUTER_NAT}::"), then=_CLUSTER,
         needed=_in_own_network),  # the nodes' way to registries
    Rule(first=Part(named="the key's grant", types=f"{kinds.KEY_GRANT}::"), then=_CLUSTER,
         needed=_encrypted),  # GKE encrypts its database with the key
    Rule(first=Part(named="the nodes' role", types=f":NodeIdentity${kinds.PROJECT_GRANT}::"),
         then=Part(named="the node pool", types=f"{kinds.NODE_POOL}::")),  # nodes without it cannot fetch images
    Rule(first=Part(named="the pods' admission policy", types=f"{kinds.ADMISSION_BINDING}::"), then=_NAMESPACE),
    Rule(first=_TOKEN, then=_WEIGHTS, needed=_NEEDS_TOKEN),
    Rule(first=_SYNCED, then=_WEIGHTS, needed=_NEEDS_SYNCED),
    Rule(first=_TOKEN, then=_GRAPH, needed=_NEEDS_TOKEN),
    Rule(first=_SYNCED, then=_GRAPH, needed=_NEEDS_SYNCED),
    Rule(first=_GRANT, then=_GRAPH, needed=_READS_BUCKET),  # pods mount the bucket
    Rule(first=_WEIGHTS, then=_GRAPH, needed=_READS_BUCKET),  # engines would not find their model
    Rule(first=Part(named="the NetworkPolicy", types=f"{kinds.NETWORK_POLICY}::"), then=_GRAPH),  # pods would be open
    Rule(first=Part(named="the claim template", types=f"{kinds.CLAIM_TEMPLATE}::"), then=_GRAPH,
         needed=_names("ResourceClaimTemplate")),
    Rule(first=Part(named="the pods' network", types=f"{kinds.DEVICE_NETWORK}::"), then=_GRAPH,
         needed=_names("Network")),
    Rule(first=_ACCOUNT, then=_GRAPH),  # workers and frontends would not find each other
    Rule(first=_GRAPH, then=_VERIFICATION, followed=True),
    Rule(first=_VERIFICATION, then=_SERVICE),  # no client reaches a graph that is not verified
    Rule(first=_VERIFICATION, then=_ROUTE),
    Rule(first=_BACKEND, then=_ROUTE),  # the route would be open to everyone
)  # fmt: skip


def violations(state: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each resource that the engine may create before what must exist by then, or without it.

    What two parts of one graph need of each other does not hold for two graphs.
    """
    resources = {each["urn"]: each for each in state}
    direct = depending.direct(resources.values())
    for rule in ORDER:
        first, then = rule.first.find(resources), rule.then.find(resources)
        of_graphs = bool(rule.first.of_graph and rule.then.of_graph)
        for urn, graph in then.items():
            known = depending.reachable(urn, direct)
            earlier = [other for other, of in first.items() if of == graph or not of_graphs]
            if not earlier and rule.needed(resources[urn].get("inputs") or {}, resources.keys()):
                yield f"{short(urn)} needs {rule.first.named} before it, which the stack does not have"
            for other in earlier:
                if other not in known:
                    why = f"{rule.then.named} may be created before {rule.first.named}"
                    yield f"{short(urn)} does not depend on {short(other)}: {why}"
        for urn, graph in first.items():
            if rule.followed and graph not in then.values():
                yield f"{short(urn)} needs {rule.then.named} after it, which the stack does not have"
