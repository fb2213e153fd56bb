"""The differences that Google's provider sees in changed inputs, and which of them force a replacement. Pure.

Written from the semantics of pulumi-terraform-bridge (pkg/tfbridge, Diff) and of Terraform's plugin SDK
(helper/schema, diffList, diffMap, diffString), not from the forecasts of `diff`, which rehearsals judge. The provider
compares the new inputs with the state that it reported, so an input that the program removes is no difference where
the cloud chooses a value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_network
from typing import Any

from ops.changes.gcp_inputs import Input
from ops.rehearsal.google.schema import children, inside, type_facts
from ops.rehearsal.google.wire import UNKNOWN
from reading.errors import join

EFFECTIVE_LABELS = "effectiveLabels"


class Kind(Enum):
    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class Change:
    path: str
    kind: Kind
    replaces: bool = False

    @property
    def top(self) -> str:
        """The top-level input in which it lies."""
        return self.path.partition(".")[0].partition("[")[0]


def changes(type_: str, state: Mapping[str, Any], news: Mapping[str, Any], labels: Mapping[str, str]) -> list[Change]:
    """Differences of a resource. `state` is what the provider reported last, `labels` the provider's default labels."""
    found = list(_in_block(type_, "", "", state, news, news))
    if name := type_facts(type_).labels:
        was = state.get(EFFECTIVE_LABELS, state.get(name) or {})
        found += of_map(EFFECTIVE_LABELS, Input(kind="map"), was, effective_labels(type_, news, labels))
    return found


def effective_labels(type_: str, inputs: Mapping[str, Any], labels: Mapping[str, str]) -> Any:
    """The default labels of the provider and the resource's own, which win."""
    own = inputs.get(type_facts(type_).labels) or {}
    return UNKNOWN if own is UNKNOWN else {**labels, **own}


def deletes_first(type_: str, news: Mapping[str, Any], defaults: Sequence[str]) -> bool:
    """Whether the bridge asks that a replacement deletes the old resource first. `defaults` are automatic names.

    pulumi-terraform-bridge, nameRequiresDeleteBeforeReplace: a fixed name cannot exist twice.
    """
    facts = type_facts(type_)
    return facts.delete_first or bool(facts.name and facts.name in news and facts.name not in defaults)


def _in_block(
    type_: str, block: str, shown: str, was: Mapping[str, Any], becomes: Mapping[str, Any], all_news: Mapping[str, Any]
) -> Iterator[Change]:
    for key, of in children(type_)[block].items():
        if key not in was and key not in becomes:
            continue
        path = join(block, key)
        yield from _of_input(type_, path, join(shown, key), of, was.get(key), becomes.get(key), all_news)


def _of_input(
    type_: str, path: str, shown: str, of: Input, was: Any, becomes: Any, all_news: Mapping[str, Any]
) -> Iterator[Change]:
    """Differences of one input. None stands for an input that is not set."""
    if becomes is UNKNOWN:  # for a block too, only its own flag counts: nothing in it is known
        yield Change(path=shown, kind=Kind.ADD if was is None else Kind.UPDATE, replaces=of.forces)
        return
    if of.kept and (becomes is None or (of.kind in ("blocks", "list", "set") and becomes == [])):
        return
    match of.kind:
        case "block":
            yield from _of_blocks(type_, path, shown, of, _one(was), _one(becomes), all_news)
        case "blocks":
            yield from _of_blocks(type_, path, shown, of, was or [], becomes or [], all_news)
        case "map":
            yield from of_map(shown, of, was or {}, becomes or {})
        case _:
            if not _same(of, was, becomes):
                yield Change(path=shown, kind=_kind(was, becomes), replaces=_forces(of, was, becomes, all_news))


def _one(block: Any) -> list[Any]:
    return [] if block is None else [block]


def _kind(was: Any, becomes: Any) -> Kind:
    return Kind.ADD if was is None else Kind.DELETE if becomes is None else Kind.UPDATE


def of_map(shown: str, of: Input, was: Any, becomes: Any) -> Iterator[Change]:
    """Differences of a map, key by key."""
    if becomes is UNKNOWN:
        yield Change(path=shown, kind=Kind.UPDATE, replaces=of.forces)
        return
    for key in sorted({*was, *becomes}):
        if was.get(key) != becomes.get(key):
            kind = _kind(was.get(key), becomes.get(key))
            yield Change(path=join(shown, key), kind=kind, replaces=of.forces)


def _of_blocks(
    type_: str,
    path: str,
    shown: str,
    of: Input,
    was: Sequence[Any],
    becomes: Sequence[Any],
    all_news: Mapping[str, Any],
) -> Iterator[Change]:
    """Differences of a list of blocks, element by element. A block that comes or goes counts as one difference."""
    block = inside(path, of)
    if of.unordered:
        was, becomes = _unmatched(type_, block, was, becomes, all_news)
    for index in range(max(len(was), len(becomes))):
        at = join(shown, index) if of.kind == "blocks" else shown
        old = was[index] if index < len(was) else None
        new = becomes[index] if index < len(becomes) else None
        if new is UNKNOWN:
            yield Change(path=at, kind=Kind.ADD if old is None else Kind.UPDATE, replaces=of.forces)
        elif old is not None and new is not None and not of.unordered:
            yield from _in_block(type_, block, at, old, new, all_news)
        else:
            # An element of a set that differs is another element: the old one goes, the new one comes.
            sides = [(old, {}), ({}, new)] if of.unordered else [(old or {}, new or {})]
            inner = [
                change
                for before, after in sides
                if before is not None and after is not None
                for change in _in_block(type_, block, at, before, after, all_news)
            ]
            resized = len(was) != len(becomes) and of.forces
            yield Change(path=at, kind=_kind(old, new), replaces=resized or any(c.replaces for c in inner))


def _unmatched(
    type_: str, block: str, was: Sequence[Any], becomes: Sequence[Any], all_news: Mapping[str, Any]
) -> tuple[list[Any], list[Any]]:
    """Elements of a set that the other side lacks."""
    left = list(was)
    new: list[Any] = []
    for item in becomes:
        same = next(
            (old for old in left if item is not UNKNOWN and not [*_in_block(type_, block, "", old, item, all_news)]),
            None,
        )
        if same is None:
            new.append(item)
        else:
            left.remove(same)
    return left, new


def _same(of: Input, was: Any, becomes: Any) -> bool:
    """Whether the provider sees no difference between two plain values, or two lists or sets of these."""
    match of.kind:
        case "list":
            return (was or []) == (becomes or [])
        case "set":
            return sorted(map(str, was or [])) == sorted(map(str, becomes or []))
        case _:
            return _same_value(of, was, becomes)


def _same_value(of: Input, was: Any, becomes: Any) -> bool:
    default = of.default
    if default is not None:
        was, becomes = (default if value is None else value for value in (was, becomes))
    elif not of.kept:  # a zero value is an unset one
        was, becomes = (None if value in (False, 0, "") else value for value in (was, becomes))
    if was == becomes or _text(was) == _text(becomes):
        return True
    if of.alike == "nocase":
        return str(was).casefold() == str(becomes).casefold()
    if of.alike not in ("names", "paths") or not isinstance(was, str) or not isinstance(becomes, str):
        return False
    if "projects/" in was and was.partition("projects/")[2] == becomes.partition("projects/")[2]:
        return True
    one_is_a_name = ("/" in was) != ("/" in becomes)
    return of.alike == "names" and one_is_a_name and was.rpartition("/")[2] == becomes.rpartition("/")[2]


def _text(value: Any) -> str | None:
    """A value as Terraform keeps it: numbers and booleans given as text are the same values."""
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _forces(of: Input, was: Any, becomes: Any, all_news: Mapping[str, Any]) -> bool:
    match of.condition:
        case "shrinks":
            return was is not None and becomes is not None and not _contains(becomes, was)
        case "turned-off":
            return was is True and becomes is not True
        case "item-removed":
            return any(item not in (becomes or []) for item in was or [])
        case "autopilot":
            return bool(all_news.get("enableAutopilot"))
        case _:
            return of.forces


def _contains(outer: str, inner: str) -> bool:
    """Whether a range of addresses contains another one."""
    wide, narrow = ip_network(outer), ip_network(inner)
    return wide.version == narrow.version and narrow.subnet_of(wide)  # pyright: ignore[reportArgumentType]


def ignored(found: Sequence[Change], patterns: Sequence[str]) -> list[Change]:
    """The changes without those that `ignoreChanges` covers."""
    return [change for change in found if not covered(change.path, patterns)]


def covered(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path equals a pattern or lies below one."""
    return any(path == pattern or path.startswith((f"{pattern}.", f"{pattern}[")) for pattern in patterns)


def applied(type_: str, state: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """The state after the new inputs took effect; outputs and values that the cloud keeps stay."""
    return _applied(type_, "", state, news)


def _applied(type_: str, block: str, was: Mapping[str, Any], becomes: Mapping[str, Any]) -> dict[str, Any]:
    known = children(type_)[block]
    found = {key: value for key, value in was.items() if key not in known or known[key].kept or known[key].fixed}
    for key, value in becomes.items():
        of = known.get(key)
        if of is None or (of.fixed and key in was):
            continue
        path = inside(join(block, key), of)
        old = was.get(key)
        if of.kind == "block" and isinstance(value, Mapping):
            found[key] = _applied(type_, path, old if isinstance(old, Mapping) else {}, value)
        else:
            found[key] = value
    return found


def stable(type_: str, found: Sequence[Change]) -> list[str]:
    """Inputs that force a replacement and did not: an update in place leaves them as they are."""
    replaced = {change.top for change in found if change.replaces}
    return sorted(key for key, of in children(type_)[""].items() if of.forces and key not in replaced)
