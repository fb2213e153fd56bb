"""What a change does to a stack: two previews compared, resource by resource. Pure; both come as `preview --json`.

What a preview does not know is not compared: an input that only the cloud knows is `[unknown]` on both sides, a secret
`[secret]` on both, so a new token does not show here.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Any

from ops.replacement import BUCKET, GRAPH, NODE_POOL, rule
from spec.faults import join, shown

SECRET = "[secret]"


class Kind(StrEnum):
    """What happens to a resource; the order is that of the report, dearest first."""

    DELETED = "deleted"
    REPLACED = "replaced"
    UPDATED = "updated"
    CREATED = "created"


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource of a preview."""

    urn: str
    type: str
    name: str
    parent: str | None
    provider: str | None
    inputs: Mapping[str, Any]
    depends_on: tuple[str, ...]
    options: Mapping[str, Any]
    secret_paths: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A stack as one preview shows it."""

    resources: tuple[Registered, ...]
    nodes: Mapping[str, int]
    """Node pool → nodes that it has at least."""
    usd_per_hour: float | None
    """None where a part has no fixed price, such as spot nodes."""

    @classmethod
    def from_wire(cls, printed: Mapping[str, Any]) -> "Snapshot":
        """From what `preview --json` prints. Raises KeyError or TypeError when it is something else."""
        return cls(
            resources=tuple(
                Registered(
                    urn=resource["urn"],
                    type=resource["type"],
                    name=resource["name"],
                    parent=resource["parent"],
                    provider=resource["provider"],
                    inputs=resource["inputs"],
                    depends_on=tuple(resource["dependsOn"]),
                    options=resource["options"],
                    secret_paths=tuple(resource["secretPaths"]),
                )
                for resource in printed["resources"]
            ),
            nodes={pool["name"]: pool["nodes"] for pool in printed["plan"]["pools"]},
            usd_per_hour=printed["plan"]["costPerHour"],
        )


NOTHING = Snapshot(resources=(), nodes={}, usd_per_hour=0.0)
"""The stack that is not there."""


@dataclass(frozen=True, kw_only=True)
class InputChange:
    """One input, its values short enough to print."""

    path: str
    before: str
    after: str
    forces: bool


@dataclass(frozen=True, kw_only=True)
class NodesBack:
    """Nodes that go back to where they were bought; `what` is such as RESERVED H200."""

    count: int
    what: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to one resource. `urn` is the new one, the old one of what is deleted."""

    kind: Kind
    urn: str
    type: str
    name: str
    inputs: tuple[InputChange, ...] = ()
    because: tuple[str, ...] = ()
    """What forces a replacement: inputs, or a resource that is replaced itself."""
    deleted_first: bool = False
    protected: bool = False
    """Pulumi refuses to delete the old one until it is no longer marked `protect`."""
    guarded: bool = False
    gives_back: NodesBack | None = None
    loss: str = ""
    renamed_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All changes, dearest first, then by URN."""

    changes: tuple[Change, ...]
    rolling: tuple[str, ...]
    """Graphs whose workers all restart."""
    usd_before: float | None
    usd_after: float | None

    def of(self, kind: Kind) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.kind is kind)

    @property
    def guarded(self) -> tuple[Change, ...]:
        """Replaced or deleted although it is dear: what needs --allow-replace."""
        return tuple(change for change in self.changes if change.guarded)

    @property
    def losses(self) -> tuple[str, ...]:
        """What the changes cost, in capitals, nodes added up."""
        nodes: Counter[str] = Counter()
        for change in self.changes:
            if change.gives_back:
                nodes[change.gives_back.what] += change.gives_back.count
        back = [_back(NodesBack(count=count, what=what)) for what, count in sorted(nodes.items())]
        names: dict[str, list[str]] = {}
        for change in self.changes:
            if change.loss:
                names.setdefault(change.loss, []).append(change.name)
        return (*back, *(f"{loss} ({_few(of)})" for loss, of in names.items()))


def cost(change: Change) -> str:
    """What one change costs, in capitals; empty when nothing is lost."""
    return "; ".join(filter(None, [change.loss, _back(change.gives_back) if change.gives_back else ""]))


def _few(names: Sequence[str]) -> str:
    """Names as far as a line holds them."""
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _back(nodes: NodesBack) -> str:
    return f"GIVES {nodes.count} {nodes.what} {'NODE' if nodes.count == 1 else 'NODES'} BACK"


def compare(before: Snapshot, after: Snapshot) -> Comparison:
    """What leads from one to the other, if the old one is what is deployed."""
    pairs = _pairs(before, after)
    changes = [_deleted(old, before) for old in before.resources if old.urn not in {o.urn for o, _ in pairs}]
    renewed: dict[str, Change] = {}
    # A replacement replaces what follows it; each round finds one more step of the chain.
    while True:
        found = {new.urn: _changed(old, new, before, after, renewed) for old, new in pairs}
        replaced = {urn: change for urn, change in found.items() if change and change.kind is Kind.REPLACED}
        if replaced.keys() == renewed.keys():
            break
        renewed = replaced
    changes += [change for change in found.values() if change]
    known = {new.urn for _, new in pairs}
    changes += [
        Change(kind=Kind.CREATED, urn=new.urn, type=new.type, name=new.name)
        for new in after.resources
        if new.urn not in known
    ]
    order = list(Kind)
    listed = tuple(
        sorted(
            (change for change in changes if not change.type.startswith("dynamo-gke:")),
            key=lambda change: (order.index(change.kind), change.urn),
        )
    )
    return Comparison(
        changes=listed,
        rolling=tuple(sorted(_name(new) for old, new in pairs if _rolls(old, new))),
        usd_before=before.usd_per_hour,
        usd_after=after.usd_per_hour,
    )


def _pairs(before: Snapshot, after: Snapshot) -> list[tuple[Registered, Registered]]:
    """Each resource that stays with what it was, under its own URN or one that an alias names, parents' included."""
    left = {resource.urn: resource for resource in before.resources}
    by_urn = {resource.urn: resource for resource in after.resources}
    former: dict[str, str] = {}
    pairs: list[tuple[Registered, Registered]] = []
    # A parent's chain of types is shorter than its child's.
    for new in sorted(after.resources, key=lambda resource: (resource.urn.split("::")[2].count("$"), resource.urn)):
        parent = by_urn.get(new.parent or "")
        names = [new.urn, *new.options.get("aliases", [])]
        if parent and former.get(parent.urn, parent.urn) != parent.urn:
            names += _under(former[parent.urn], parent, new)
        old = next((left.pop(urn) for urn in names if urn in left), None)
        if old:
            former[new.urn] = old.urn
            pairs.append((old, new))
    return pairs


def _under(former_parent: str, parent: Registered, child: Registered) -> list[str]:
    """The URNs a child had below its parent's old name, by Pulumi's rule: a name that begins with the parent's too."""
    prefix, former_name = former_parent.rsplit("::", 1)
    names = [child.name]
    if child.name.startswith(parent.name):
        names.insert(0, former_name + child.name.removeprefix(parent.name))
    return [f"{prefix}${child.type}::{name}" for name in names]


def _deleted(old: Registered, before: Snapshot) -> Change:
    return Change(
        kind=Kind.DELETED,
        urn=old.urn,
        type=old.type,
        name=old.name,
        protected=bool(old.options.get("protect")),
        guarded=_guarded(old),
        gives_back=_nodes(old, before.nodes.get(str(old.inputs.get("name")), 0)),
        loss=_loss(old),
    )


def _changed(
    old: Registered, new: Registered, before: Snapshot, after: Snapshot, renewed: Mapping[str, Change]
) -> Change | None:
    """The update or replacement of one resource; None when nothing changes."""
    known = rule(new.type)
    ignored = [_unindexed(path) for path in new.options.get("ignoreChanges", [])]
    secret = [*old.secret_paths, *new.secret_paths]
    inputs = [
        InputChange(
            path=path,
            before=SECRET if _covered(path, secret) else was,
            after=SECRET if _covered(path, secret) else becomes,
            forces=_covered(_unindexed(path), known.forces),
        )
        for path, was, becomes in _differences(old.inputs, new.inputs, "")
        if not _covered(_unindexed(path), ignored)
    ]
    because = [change.path for change in inputs if change.forces]
    for path, types in known.follows.items():
        named = [renewed[urn].name for urn in new.depends_on if urn in renewed and renewed[urn].type in types]
        if named and _has(new.inputs, path) and not _covered(path, ignored):
            because.append(f"{path}: {_few(named)} {'is' if len(named) == 1 else 'are'} replaced")
    if new.provider and new.provider in renewed:
        because.append(f"provider: {renewed[new.provider].name} is replaced")
    inputs += [
        InputChange(path=f"option {option}", before=shown(was), after=shown(becomes), forces=False)
        for option in ("protect", "retainOnDelete")
        if (was := bool(old.options.get(option))) != (becomes := bool(new.options.get(option)))
    ]
    renamed_from = old.urn if old.urn != new.urn else None
    if because:
        return Change(
            kind=Kind.REPLACED,
            urn=new.urn,
            type=new.type,
            name=new.name,
            inputs=tuple(inputs),
            because=tuple(dict.fromkeys(because)),
            # A name that stays is free only when the old one is gone: the providers then delete first by themselves.
            deleted_first=bool(new.options.get("deleteBeforeReplace")) or _name(old) == _name(new) is not None,
            protected=bool(old.options.get("protect")),
            guarded=_guarded(old),
            gives_back=_nodes(old, before.nodes.get(str(old.inputs.get("name")), 0)),
            loss=_loss(old),
            renamed_from=renamed_from,
        )
    if not inputs:
        return None
    name = str(new.inputs.get("name"))
    remade = any(_covered(_unindexed(change.path), known.remakes) for change in inputs)
    return Change(
        kind=Kind.UPDATED,
        urn=new.urn,
        type=new.type,
        name=new.name,
        inputs=tuple(inputs),
        gives_back=_nodes(old, before.nodes.get(name, 0) - after.nodes.get(name, 0)),
        loss=known.remaking if remade else "",
        renamed_from=renamed_from,
    )


def _guarded(old: Registered) -> bool:
    return rule(old.type).guarded and (old.type != NODE_POOL or bool(_gpu(old)))


def _loss(old: Registered) -> str:
    if old.type == BUCKET and old.options.get("retainOnDelete"):
        return "LEAVES THE BUCKET WITH ALL WEIGHTS BEHIND, NO LONGER MANAGED"
    return rule(old.type).loss


def _gpu(pool: Registered) -> str:
    """`H200` of a pool with nvidia-h200-141gb, empty without GPUs."""
    accelerators: Sequence[Mapping[str, Any]] = pool.inputs.get("nodeConfig", {}).get("guestAccelerators") or ()
    return next((str(gpu["type"]).split("-")[1].upper() for gpu in accelerators), "")


def _nodes(pool: Registered, count: int) -> NodesBack | None:
    """GPU nodes that go back, with how they were bought; None when there are none."""
    if pool.type != NODE_POOL or not _gpu(pool) or count <= 0:
        return None
    node: Mapping[str, Any] = pool.inputs["nodeConfig"]
    if node.get("reservationAffinity", {}).get("consumeReservationType") == "SPECIFIC_RESERVATION":
        bought = "RESERVED "
    else:
        bought = "SPOT " if node.get("spot") else "FLEX-START " if node.get("flexStart") else ""
    return NodesBack(count=count, what=f"{bought}{_gpu(pool)}")


def _rolls(old: Registered, new: Registered) -> bool:
    """Whether all workers of a graph restart: anything of a worker changes but how many there are.

    The operator gives all workers of a graph one generation, so one role's change restarts both (docs/upgrades.md).
    """
    if new.type != GRAPH:
        return False
    workers = {
        part["name"]
        for inputs in (old.inputs, new.inputs)
        for part in inputs["spec"]["components"]
        if part.get("type") != "frontend"
    }
    return any(
        found[1] in workers and found[2] != "replicas"
        for path, _, _ in _differences(old.inputs, new.inputs, "")
        if (found := re.match(r"spec\.components\[([^\]]+)\]\.?([^.\[]*)", path))
    )


def _name(resource: Registered) -> Any:
    metadata: Mapping[str, Any] = resource.inputs.get("metadata") or {}
    return resource.inputs.get("name") or metadata.get("name")


_MISSING = object()


def _differences(was: Any, becomes: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """Path, before and after of each input that differs: lists of named objects by name, of plain values as a whole."""
    if was == becomes:
        return
    if _mergeable(was, becomes, dict):
        before, after = ({} if side is _MISSING else side for side in (was, becomes))
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key, _MISSING), after.get(key, _MISSING), join(path, key))
        return
    if isinstance(was, list) and isinstance(becomes, list):
        before, after = _keyed(was), _keyed(becomes)
        if before is not None and after is not None:
            for key in sorted({*before, *after}, key=str):
                old, new = before.get(key, _MISSING), after.get(key, _MISSING)
                if _MISSING in (old, new):
                    yield f"{path}[{key}]", _short(old), _short(new)
                else:
                    yield from _differences(old, new, f"{path}[{key}]")
            return
        only_before = [item for item in was if item not in becomes]
        only_after = [item for item in becomes if item not in was]
        if only_before or only_after:
            yield path, _short(only_before or _MISSING), _short(only_after or _MISSING)
            return
    yield path, *_apart(was, becomes)


def _apart(was: Any, becomes: Any) -> tuple[str, str]:
    """Both values short; of long texts that begin alike, from where they part. A token stays masked."""
    before, after = _short(was), _short(becomes)
    if before != after or SECRET in (before, after) or not isinstance(was, str) or not isinstance(becomes, str):
        return before, after
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(was, becomes, strict=False)))
    return _short(f"…{was[alike:]}"), _short(f"…{becomes[alike:]}")


def _mergeable(was: Any, becomes: Any, kind: type) -> bool:
    """Whether both are of a kind, or one is and holds something that the other has not at all."""
    sides = (was, becomes)
    return all(isinstance(side, kind) or side is _MISSING for side in sides) and any(
        isinstance(side, kind) and side for side in sides
    )


def _keyed(items: Sequence[Any]) -> dict[str | int, Any] | None:
    """A list of objects by their names, by position when they have none; None for a list of plain values."""
    if not all(isinstance(item, dict) for item in items):
        return None
    names = [item.get("name") for item in items]
    return dict(zip(names if len({*names} - {None}) == len(names) else range(len(items)), items, strict=True))


def _short(value: Any) -> str:
    return "none" if value is _MISSING else shown(value)


def _has(inputs: Any, path: str) -> bool:
    for key in path.split("."):
        if not isinstance(inputs, Mapping) or key not in inputs:
            return False
        inputs = inputs[key]
    return True


def _unindexed(path: str) -> str:
    return re.sub(r"\[[^\]]*\]", "", path)


def _covered(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path is one of those given, or below one."""
    return any(path == pattern or path.startswith((f"{pattern}.", f"{pattern}[")) for pattern in patterns)
