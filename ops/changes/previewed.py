"""A stack in one preview, read from the output of `preview --json`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from planning.surroundings import NOT_KNOWN


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
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Input → the resources whose outputs it contains. Empty in previews of versions that did not print it."""
    options: Mapping[str, Any]
    secret_paths: tuple[str, ...]

    @property
    def physical_name(self) -> str | None:
        metadata: Mapping[str, Any] = self.inputs.get("metadata") or {}
        return self.inputs.get("name") or metadata.get("name")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Predicted cost per hour, in USD."""

    usd: float | None
    """None if a part has no fixed price, such as spot nodes."""
    known: float | None = None
    """Cost of the parts that have a price. None in previews of versions that did not print it."""
    bound: float | None = None
    """Upper bound of the cost; None if unknown."""

    @classmethod
    def from_wire(cls, plan: Mapping[str, Any]) -> "Cost":
        """From the plan that `preview --json` prints."""
        return cls(usd=plan["costPerHour"], known=plan.get("costPerHourKnown"), bound=plan.get("costPerHourUpperBound"))

    def __str__(self) -> str:
        if self.usd is not None:
            return f"${self.usd:,.2f}"
        whole = NOT_KNOWN if self.bound is None else f"at most ${self.bound:,.2f}"
        return f"{whole}, of which ${self.known:,.2f} is known" if self.known else whole


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    resources: tuple[Registered, ...]
    nodes: Mapping[str, int]
    """Node pool → its minimum number of nodes."""
    cost: Cost

    @classmethod
    def from_wire(cls, printed: Mapping[str, Any]) -> "Snapshot":
        """From the output of `preview --json`. Raises KeyError or TypeError for anything else."""
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
                    property_dependencies={
                        key: tuple(urns) for key, urns in resource["options"].get("propertyDependencies", {}).items()
                    },
                    options=resource["options"],
                    secret_paths=tuple(resource["secretPaths"]),
                )
                for resource in printed["resources"]
            ),
            nodes={pool["name"]: pool["nodes"] for pool in printed["plan"]["pools"]},
            cost=Cost.from_wire(printed["plan"]),
        )

    def by_urn(self) -> dict[str, Registered]:
        return {resource.urn: resource for resource in self.resources}


NOTHING = Snapshot(resources=(), nodes={}, cost=Cost(usd=0.0, known=0.0, bound=0.0))
"""A stack that does not exist."""
