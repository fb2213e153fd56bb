"""The changes of a stack for a report: kinds, inputs, reasons and losses. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ops.changes.effects import Effect
from ops.changes.losses import ReleasedNodes
from ops.changes.pool_size import Nodes
from ops.changes.previewed import Cost

if TYPE_CHECKING:  # that module imports the policy SDK, which nothing here needs
    from ops.offline.policy_strength import LetThrough, Weakening


class Kind(StrEnum):
    """Kinds of change to a resource, in the report's order, most expensive first."""

    DELETED = "deleted"
    REPLACED = "replaced"
    UPDATED = "updated"
    CREATED = "created"
    UNCHANGED = "unchanged"
    """The program changes an input or an option, but the provider sees no difference."""


@dataclass(frozen=True, kw_only=True)
class InputChange:
    """One changed input, its values short enough to print."""

    path: str
    before: str
    after: str
    effect: Effect = Effect.UPDATES
    why: str = ""
    """Explanation of the effect; empty for a plain update."""

    @property
    def forces(self) -> bool:
        return self.effect is Effect.REPLACES


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of one resource. `urn` is the new URN, or the old one of a deleted resource."""

    kind: Kind
    urn: str
    type: str
    name: str
    inputs: tuple[InputChange, ...] = ()
    because: tuple[str, ...] = ()
    """Reasons of a replacement: inputs, or another resource that is replaced."""
    deleted_first: bool = False
    protected: bool = False
    """The old resource is marked `protect`, so Pulumi refuses to delete it."""
    guarded: bool = False
    """The change needs --allow-replace."""
    releases: ReleasedNodes | None = None
    loss: str = ""
    skips: str = ""
    """Why NVIDIA does not support the update, with the steps to take instead; empty for others. No option allows it."""
    fails: tuple[str, ...] = ()
    """Why `pulumi up` stops here, one sentence each."""
    notes: tuple[str, ...] = ()
    """Further remarks, one sentence each."""
    renamed_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All changes, most expensive first, then by URN."""

    changes: tuple[Change, ...]
    rolling: tuple[str, ...]
    """Graphs whose workers all restart."""
    cost_before: Cost
    cost_after: Cost
    not_compared: tuple[str, ...] = ()
    """Inputs that only one side knows, as `path of name`: outputs of other resources, taken for unchanged."""
    weakened: "tuple[Weakening, ...]" = ()
    """Policies that are weaker than at the base."""
    weak: "tuple[Weakening, ...]" = ()
    """Policies that are weaker than by default, at the base already or not."""
    let_through: "tuple[LetThrough, ...]" = ()
    """Violations in this checkout that only the base's rules find."""
    judging_changed: tuple[str, ...] = ()
    """Files that decide policy verdicts and differ from the base's."""
    unjudged: str | None = None
    """Why the base's rules could not evaluate this checkout; None if they did."""
    judging_failed: bool = False
    """The base's rules were run and gave no verdict."""

    def of(self, kind: Kind) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.kind is kind)

    @property
    def guarded(self) -> tuple[Change, ...]:
        """Changes that need --allow-replace."""
        return tuple(change for change in self.changes if change.guarded)

    @property
    def skipping(self) -> tuple[Change, ...]:
        """Changes that skip minor versions of the platform."""
        return tuple(change for change in self.changes if change.skips)

    @property
    def losses(self) -> tuple[str, ...]:
        """The losses of all changes together, with nodes added up."""
        nodes: dict[str, Nodes] = {}
        for change in self.changes:
            if change.releases:
                what = change.releases.what
                nodes[what] = nodes.get(what, Nodes(minimum=0, maximum=0)) + change.releases.nodes
        back = [str(ReleasedNodes(nodes=of, what=what)) for what, of in sorted(nodes.items())]
        names: dict[str, list[str]] = {}
        for change in self.changes:
            for said in (change.loss, *(["`pulumi up` fails"] if change.fails else [])):
                if said:
                    names.setdefault(said, []).append(change.name)
        return (*back, *(f"{loss} ({few(of)})" for loss, of in names.items()))


def cost(change: Change) -> str:
    """The losses of one change; empty if nothing is lost."""
    return "; ".join(filter(None, [change.loss, str(change.releases) if change.releases else ""]))


def few(names: Sequence[str]) -> str:
    """Up to three names, or two and a count."""
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"
