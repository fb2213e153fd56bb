"""Keys of older cards, under the names that they have now."""

from typing import Any, cast

from catalog.formats import BITS, weight_bytes

_ATTENTION = {"heads": "heads", "kvHeads": "kvHeads", "headDim": "headDim", "attentionSinks": "sinks"}


def renamed(card: Any) -> Any:
    """A card as it is written today: `licence` is `license`; heads and sinks left `architecture` for `attention`; the
    bytes of a parameter follow from the format. Nothing that a card says in both ways is changed."""
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
