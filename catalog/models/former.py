"""Converts the keys of older cards to their current names."""

from typing import Any, cast

from catalog.formats import BITS, weight_bytes

_ATTENTION = {"heads": "heads", "kvHeads": "kvHeads", "headDim": "headDim", "attentionSinks": "sinks"}


def renamed(card: Any) -> Any:
    """The card with current keys: `license`; heads and sinks in `attention` instead of `architecture`; no bytes per
    parameter where the format implies them. A card with both the old and the new key keeps both."""
    if not isinstance(card, dict):
        return card
    now = dict(cast(dict[str, Any], card))
    if "licence" in now and "license" not in now:
        now["license"] = now.pop("licence")
    architecture, weights = now.get("architecture"), now.get("weights")
    if isinstance(architecture, dict) and "attention" not in now and architecture.keys() & _ATTENTION.keys():
        rest = dict(cast(dict[str, Any], architecture))
        now["attention"] = {"kind": "gqa"} | {new: rest.pop(old) for old, new in _ATTENTION.items() if old in rest}
        now["architecture"] = rest
    if isinstance(weights, dict):
        kept = dict(cast(dict[str, Any], weights))
        known = kept.get("format")
        if isinstance(known, str) and known in BITS and kept.get("bytesPerParameter") == weight_bytes(known):
            del kept["bytesPerParameter"]
        now["weights"] = kept
    return now
