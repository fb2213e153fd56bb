"""When each resource of an update was created, what it waited for, and the critical path. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ops.rehearsal.engine.events import Step, is_resource, needs

PHASES: Mapping[str, Sequence[str]] = {
    "project": ("ProjectServices", "Budget", "Observability", "SecretsKeyGrant", "GkeAgentRole"),
    "network": ("Network", "RdmaNetwork", "ExistingNetwork"),
    "cluster": ("Cluster", "ExistingCluster", "NodeIdentity", "SystemPool", "ClusterAccess"),
    "platform": (
        *("DynamoPlatform", "PodRules", "WorkloadNamespace", "NetworkPolicies", "Monitoring", "RdmaClaims"),
        *("DeviceNetworks", "SyncedToken"),
    ),
    "weights": ("WeightsBucket", "Weights"),
    "nodes": ("GpuPool",),
    "graph": ("RuntimeIdentity", "ServingGraph", "RoleAutoscaler"),
    "verification": ("Verification",),
    "endpoint": ("PublicGateway", "Endpoint"),
}
"""The program's components, by the phase of a deployment, in the order in which phases end."""
_OTHER = "project"
"""Phase of what has no component: the providers of Google Cloud."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One resource of the update."""

    urn: str
    phase: str
    began: float
    """Seconds since the first resource began."""
    seconds: float
    waited_for: str | None
    """URN of the dependency that was ready last; None if it had none in this update."""
    critical: bool
    """Whether the update would have ended earlier without it."""

    @property
    def ended(self) -> float:
        return self.began + self.seconds

    def to_wire(self) -> dict[str, Any]:
        return {
            "urn": self.urn,
            "phase": self.phase,
            "began": round(self.began, 3),
            "seconds": round(self.seconds, 3),
            "waitedFor": self.waited_for,
            "critical": self.critical,
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Entry":
        return cls(
            urn=wire["urn"],
            phase=wire["phase"],
            began=wire["began"],
            seconds=wire["seconds"],
            waited_for=wire["waitedFor"],
            critical=wire["critical"],
        )


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """An update as it ran. Its durations are those of the rehearsal, not of Google Cloud."""

    entries: tuple[Entry, ...]
    """By when they began."""

    @property
    def seconds(self) -> float:
        """From the first beginning to the last end."""
        return max((entry.ended for entry in self.entries), default=0.0)

    @property
    def busy(self) -> float:
        """All durations together: how long the update would take one resource at a time."""
        return sum(entry.seconds for entry in self.entries)

    @property
    def max_parallel(self) -> int:
        """The largest number of resources that were created at the same time."""
        # An end comes before a beginning at the same time.
        marks = sorted((at, step) for e in self.entries for at, step in ((e.began, 1), (e.ended, -1)))
        return max(accumulate(step for _, step in marks), default=0)

    @property
    def critical_path(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.critical)

    def to_wire(self) -> dict[str, Any]:
        return {
            "seconds": round(self.seconds, 3),
            "busySeconds": round(self.busy, 3),
            "maxParallel": self.max_parallel,
            "criticalPath": [entry.urn for entry in self.critical_path],
            "resources": [entry.to_wire() for entry in self.entries],
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Timeline":
        return cls(entries=tuple(Entry.from_wire(entry) for entry in wire["resources"]))


def timeline(steps: Iterable[Step], resources: Iterable[Mapping[str, Any]]) -> Timeline:
    """The timeline of an update's steps. `resources` are those of the state, which has their dependencies."""
    done = {step.urn: step for step in steps if is_resource(step.urn) and not step.unchanged}
    if not done:
        return Timeline(entries=())
    state = {resource["urn"]: resource for resource in resources}
    last = {urn: _last(_needs(urn, state), done) for urn in done}
    critical: set[str] = set()
    urn: str | None = max(done, key=lambda each: done[each].ended)
    while urn and urn not in critical:
        critical.add(urn)
        urn = last[urn]
    start = min(step.began for step in done.values())
    return Timeline(
        entries=tuple(
            Entry(
                urn=step.urn,
                phase=phase_of(step.urn),
                began=step.began - start,
                seconds=step.seconds,
                waited_for=last[step.urn],
                critical=step.urn in critical,
            )
            for step in sorted(done.values(), key=lambda step: (step.began, step.urn))
        )
    )


def phase_of(urn: str) -> str:
    """The phase of the component that the resource belongs to."""
    kind = urn.split("::")[2].partition("$")[0].rpartition(":")[2]
    return next((phase for phase, kinds in PHASES.items() if kind in kinds), _OTHER)


def _needs(urn: str, state: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """URNs of what must be ready before the resource: its dependencies, its provider, and the needs of its parents.

    What a component depends on is listed at the component only. Its children wait because they wait for its URN.
    """
    while resource := state.get(urn):
        yield from needs(resource)
        urn = str(resource.get("parent") or "")


def _last(needs: Iterable[str], done: Mapping[str, Step]) -> str | None:
    """The one of them that was ready last, of those that this update changed."""
    return max((urn for urn in needs if urn in done), key=lambda urn: done[urn].ended, default=None)
