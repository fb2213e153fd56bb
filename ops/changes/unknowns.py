"""Makes two previews equally ignorant: a value that one of them does not know becomes unknown in both. Pure.

Each side is previewed by its own code, and a newer one may know an output that an older one did not, such as the email
of a service account. For the engine, the same output of the same resource is the same value. A value from another
resource than before, or from none, still differs: these keep their known value, or are found by their source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ops.changes.previewed import Registered
from ops.changes.values import UNKNOWN, differences, keyed

Pair = tuple[Registered, Registered]
"""The two versions of a resource, the old one first."""


def equally_unknown(old: Registered, new: Registered) -> Pair:
    """Both versions of a resource, with each value that comes from other resources and that one side does not know
    unknown in both."""
    from_resources = old.property_dependencies.keys() & new.property_dependencies.keys()
    before, after = dict(old.inputs), dict(new.inputs)
    for input_ in before.keys() & after.keys() & from_resources:
        before[input_], after[input_] = _both(before[input_], after[input_])
    return replace(old, inputs=before), replace(new, inputs=after)


def hidden(previewed: Pair, compared: Pair) -> list[str]:
    """Paths of the inputs that `equally_unknown` made unknown: only one side knows them."""
    versions = zip(previewed, compared, strict=True)
    return sorted({found.path for was, made in versions for found in differences(was.inputs, made.inputs)})


def _both(was: Any, becomes: Any) -> tuple[Any, Any]:
    if UNKNOWN in (was, becomes) and None not in (was, becomes):
        return UNKNOWN, UNKNOWN
    if isinstance(was, Mapping) and isinstance(becomes, Mapping):
        return _entries(was, becomes)
    if isinstance(was, list) and isinstance(becomes, list):
        return _lists(was, becomes)
    return was, becomes


def _entries(was: Mapping[Any, Any], becomes: Mapping[Any, Any]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    sides: tuple[dict[Any, Any], dict[Any, Any]] = dict(was), dict(becomes)
    for key in was.keys() & becomes.keys():
        sides[0][key], sides[1][key] = _both(was[key], becomes[key])
    return sides


def _lists(was: Sequence[Any], becomes: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Lists of named objects by name, others of one length by position."""
    before, after = keyed(was), keyed(becomes)
    if before and after and UNKNOWN not in {*before, *after}:
        known = _entries(before, after)
        return [*known[0].values()], [*known[1].values()]
    if len(was) != len(becomes):
        return [*was], [*becomes]
    both = [_both(*pair) for pair in zip(was, becomes, strict=True)]
    return [one for one, _ in both], [other for _, other in both]
