"""Who a rule of a NetworkPolicy lets in, by the selectors of its peers."""

from collections.abc import Mapping
from typing import Any

from policies.addresses import is_inside
from policies.inputs import at, items


def open_to_all(rule: Mapping[str, Any]) -> bool:
    """Whether one rule of `ingress` lets in whoever asks: it has no peers, or one that anybody can be."""
    peers = items(rule, "from")
    return not peers or any(not named(peer) for peer in peers)


def named(peer: Mapping[str, Any]) -> bool:
    """Whether a peer is a private range, or pods selected by labels that strangers cannot give themselves.

    A pod of another namespace chooses its own labels, so there the namespace must be selected.
    """
    cidr = at(peer, "ipBlock", "cidr")
    if cidr is not None:
        return is_inside(cidr)
    if at(peer, "namespaceSelector") is not None:
        return _narrow(at(peer, "namespaceSelector"))
    return _narrow(at(peer, "podSelector") or {})


def _narrow(selector: Mapping[str, Any]) -> bool:
    """Whether a selector asks for a label with a value."""
    return bool(at(selector, "matchLabels")) or any(
        at(expression, "operator") == "In" for expression in items(selector, "matchExpressions")
    )
