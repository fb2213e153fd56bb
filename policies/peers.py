"""Whom a rule of a NetworkPolicy lets in, by the selectors of its peers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from policies.addresses import is_inside
from policies.inputs import at, items, plain


@dataclass(frozen=True)
class Opening:
    """One peer that a rule of `ingress` lets in, and one of its ports."""

    peer: Mapping[str, Any]
    """The peer as written; for an `ipBlock`, the range without its exceptions."""
    port: Mapping[str, Any]
    """The port as written, with TCP as the default protocol; empty if the rule names no port."""

    def __str__(self) -> str:
        who = "addresses" if at(self.peer, "ipBlock") else f"the peer {dict(self.peer)}"
        return f"{who} on {self._ports()}"

    def _ports(self) -> str:
        if at(self.port, "port") is None:
            return f"every {at(self.port, 'protocol')} port" if self.port else "every port"
        # Pulumi passes numbers as floats.
        given = [at(self.port, key) for key in ("port", "endPort")]
        ends = [str(int(end) if isinstance(end, float) else end) for end in given if end is not None]
        return f"{at(self.port, 'protocol')} port {' to '.join(ends)}"

    def is_among(self, written: Sequence["Opening"]) -> bool:
        """Whether one of these opens the same peer at least as far. A port without a number opens all ports."""
        return any(
            self.peer == known.peer and (self.port == known.port or at(known.port, "port") is None) for known in written
        )


def openings(rule: Mapping[str, Any]) -> Iterator[Opening]:
    """The openings of one rule of `ingress`, each peer with each port; none for a rule without peers."""
    ports = [{"protocol": "TCP", **plain(port)} for port in items(rule, "ports")] or [{}]
    for peer, port in product(items(rule, "from"), ports):
        cidr = at(peer, "ipBlock", "cidr")
        yield Opening(plain(peer) if cidr is None else {"ipBlock": {"cidr": cidr}}, port)


def open_to_all(rule: Mapping[str, Any]) -> bool:
    """Whether one rule of `ingress` lets in everyone: it has no peers, or a peer that anyone can match."""
    peers = items(rule, "from")
    return not peers or any(not named(peer) for peer in peers)


def named(peer: Mapping[str, Any]) -> bool:
    """Whether a peer is a private range, or pods selected by labels that strangers cannot set.

    Pods of other namespaces choose their own labels, so the namespace must be selected for them.
    """
    cidr = at(peer, "ipBlock", "cidr")
    if cidr is not None:
        return is_inside(cidr)
    if at(peer, "namespaceSelector") is not None:
        return _narrow(at(peer, "namespaceSelector"))
    return _narrow(at(peer, "podSelector") or {})


def _narrow(selector: Mapping[str, Any]) -> bool:
    """Whether a selector requires a label with a value."""
    return bool(at(selector, "matchLabels")) or any(
        at(expression, "operator") == "In" for expression in items(selector, "matchExpressions")
    )
