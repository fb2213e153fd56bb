"""`CapacityMode`, the interface of a way to buy GPU nodes, and the settings that every mode has."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import Field

from catalog.defaults import default_machine
from catalog.gke_versions import Floor
from catalog.machines import GpuMachineName
from catalog.purchases import NodePurchase, ReservationRef
from reading.frozen import Frozen
from reading.shape import VariantOnly


class CapacitySettings(Frozen):
    """The keys of `capacity` in every mode, except `mode`, which each mode declares as a Literal of its own name."""

    machine: GpuMachineName = Field(default_factory=default_machine)
    """The machine type of GPU pools, one of `catalog/machines`."""
    max_nodes: Annotated[int, Field(ge=1, le=1000, examples=[4])] | None = None
    """Max GPU nodes of the stack, autoscaling included. The address ranges must have room for them."""


# Whether nodes need compact placement, for modes with that choice.
CompactPlacement = Annotated[
    bool, VariantOnly("has no effect with mode {tag}, which leaves no choice of compact placement; remove it")
]

Given = TypeVar("Given", bound=CapacitySettings)


class CapacityMode(ABC, Generic[Given]):
    """A way in which Google Cloud sells GPU nodes. One subclass per file in this folder, listed in `MODES`.

    `Given` is the mode's settings block. The defaults of class variables hold for most modes.
    """

    name: ClassVar[str]
    """Name in stack files, in camelCase."""
    settings: type[Given]

    spot: ClassVar[bool] = False
    flex_start: ClassVar[bool] = False
    reserved: ClassVar[bool] = False
    """Whether nodes come from one reservation. A policy compares these three variables with a pool's own fields."""
    paid_before_nodes: ClassVar[bool] = False
    """Whether billing starts before nodes exist."""
    auto_repair: ClassVar[bool] = True
    """Whether GKE replaces nodes that fail."""
    rolling_upgrades: ClassVar[bool] = True
    """Whether GKE upgrades nodes one by one; False where pools accept no upgrade settings."""
    below_on_demand: ClassVar[bool] = False
    """Whether a node never costs more than on demand, whose price then bounds a missing price or one that changes."""
    adjective: ClassVar[str] = ""
    """Adjective in messages such as `releases 2 reserved nodes`; may be empty."""
    min_gke: ClassVar[Floor | None] = None
    """Min GKE version of this mode; None where every version has it."""

    @property
    def label(self) -> str:
        """The name as a value of a resource label, which allows no capitals: `flexStart` → `flex-start`."""
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in self.name)

    @abstractmethod
    def node_pool(self, given: Given, *, nodes: int, max_nodes: int) -> NodePurchase:
        """The purchase for a pool that starts with `nodes` and may grow to `max_nodes`. Built by `self.bought`."""

    def bought(
        self,
        *,
        min_nodes: int,
        max_nodes: int,
        reservation: ReservationRef | None = None,
        compact: bool = False,
        max_run_seconds: int | None = None,
    ) -> NodePurchase:
        """A purchase with the class variables of the mode."""
        return NodePurchase(
            mode=self.name,
            label=self.label,
            min_nodes=min_nodes,
            max_nodes=max_nodes,
            spot=self.spot,
            flex_start=self.flex_start,
            max_run_seconds=max_run_seconds,
            reservation=reservation,
            compact=compact,
            auto_repair=self.auto_repair,
            rolling_upgrades=self.rolling_upgrades,
            paid_before_nodes=self.paid_before_nodes,
        )

    def compact(self, given: Given) -> bool:
        """Whether the stack asks for compact placement."""
        return self.node_pool(given, nodes=1, max_nodes=1).compact

    def errors(self, given: Given, *, project: str, zone: str) -> Iterator[tuple[str, str]]:
        """Errors of settings that contradict the stack's project or zone: key of the block, message."""
        del given, project, zone
        yield from ()

    def warnings(self, given: Given) -> Iterator[tuple[str, str]]:
        """Warnings to read before costs begin: key of the block (empty for the block itself), message."""
        del given
        yield from ()
