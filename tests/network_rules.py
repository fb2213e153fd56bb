"""Which peer reaches which pod by NetworkPolicies, as Kubernetes documents them and Dataplane V2 reads them. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod, with its own labels and those of its namespace."""

    labels: Mapping[str, str]
    namespace: str = "dynamo"
    namespace_labels: tuple[tuple[str, str], ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    """Name → number of the TCP ports of its containers, by which a policy may name them."""

    @property
    def of_namespace(self) -> dict[str, str]:
        # Kubernetes itself sets the first label.
        return {"kubernetes.io/metadata.name": self.namespace, **dict(self.namespace_labels)}


@dataclass(frozen=True)
class Outside:
    """A peer that is not a pod: a machine, a load balancer's proxy, a health check."""

    address: str


Peer = Pod | Outside

_OPERATORS: Mapping[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, values: value is not None,
    "DoesNotExist": lambda value, values: value is None,
}


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """A label selector; an empty one selects everything."""
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        _OPERATORS[each["operator"]](labels.get(each["key"]), each.get("values", ()))
        for each in selector.get("matchExpressions", ())
    )


def applies(policy: Policy, pod: Pod) -> bool:
    """Whether the policy selects the pod."""
    return policy["metadata"]["namespace"] == pod.namespace and selects(policy["spec"]["podSelector"], pod.labels)


def reaches(peer: Peer, target: Peer, port: int, policies: Sequence[Policy]) -> bool:
    """Whether the policies let the peer open a TCP connection to the target: out of the one and into the other."""
    return _passes("Egress", "to", peer, target, target, port, policies) and _passes(
        "Ingress", "from", target, peer, target, port, policies
    )


def _passes(
    direction: str, others: str, own: Peer, other: Peer, target: Peer, port: int, policies: Sequence[Policy]
) -> bool:
    """One direction of a connection, by the policies for `own`. A selected pod is closed except for what they open."""
    if isinstance(own, Outside):
        return True
    chosen = [policy for policy in policies if direction in _types(policy) and applies(policy, own)]
    return not chosen or any(
        _opens(rule, target, port)
        and (not rule.get(others) or any(_matches(entry, other, own.namespace) for entry in rule[others]))
        for policy in chosen
        for rule in policy["spec"].get(direction.lower(), ())
    )


def _types(policy: Policy) -> Iterator[str]:
    """The directions that a policy restricts: without the list always ingress, and egress if it has such rules."""
    spec = policy["spec"]
    yield from spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _matches(allowed: Mapping[str, Any], peer: Peer, namespace: str) -> bool:
    """Whether one entry of `from` or `to` matches. Without namespaceSelector it selects pods of the policy's namespace.

    Dataplane V2 identifies pods by labels, so an ipBlock only matches addresses outside the cluster.
    """
    assert allowed, "an empty entry would let everyone in"
    if block := allowed.get("ipBlock"):
        assert set(allowed) == {"ipBlock"}
        return (
            isinstance(peer, Outside)
            and _in(peer, block["cidr"])
            and not any(_in(peer, cidr) for cidr in block.get("except", ()))
        )
    if isinstance(peer, Outside):
        return False
    if "namespaceSelector" in allowed:
        there = selects(allowed["namespaceSelector"], peer.of_namespace)
    else:
        there = peer.namespace == namespace
    return there and selects(allowed.get("podSelector", {}), peer.labels)


def _in(peer: Outside, cidr: str) -> bool:
    return ip_address(peer.address) in ip_network(cidr)


def _opens(rule: Mapping[str, Any], target: Peer, port: int) -> bool:
    """Whether a rule opens a TCP port: without a list of ports, or with an entry without a number, it opens all."""
    return not rule.get("ports") or any(
        entry.get("protocol", "TCP") == "TCP" and _is(entry, target, port) for entry in rule["ports"]
    )


def _is(entry: Mapping[str, Any], target: Peer, port: int) -> bool:
    given = entry.get("port", port)
    if isinstance(given, str):  # a name, which only a pod can have given to its port
        return isinstance(target, Pod) and target.ports.get(given) == port
    return given <= port <= entry.get("endPort", given if "port" in entry else port)
