"""CapacityMode, the interface of a way to buy GPU nodes, and the settings that every mode takes."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import Field

from catalog.contracts import NodePurchase, ReservationRef
from catalog.defaults import default_machine
from catalog.gke_versions import Floor
from catalog.machines import GpuMachineName
from reading.frozen import Frozen
from reading.shape import Elsewhere


class CapacitySettings(Frozen):
    """The keys of `capacity` in every mode but `mode`, which each mode declares as a Literal of its own name."""

    machine: GpuMachineName = Field(default_factory=default_machine)
    """The machine type of GPU pools, one of `catalog/machines`."""
    max_nodes: Annotated[int, Field(ge=1, le=1000, examples=[4])] | None = None
    """GPU nodes that the stack may ask for, autoscaling included; more is refused. The ranges must hold as many."""


# Whether nodes have to lie close together, for modes in which that can be chosen.
CompactPlacement = Annotated[
    bool, Elsewhere("has no effect with mode {tag}, whose machines have a fixed place; remove it")
]

Given = TypeVar("Given", bound=CapacitySettings)


class CapacityMode(ABC, Generic[Given]):
    """A way in which Google Cloud sells GPU nodes. One subclass per file in this folder, listed in `MODES`.

    `Given` is the mode's settings block. The class variables with a default say what a mode shares with most others.
    """

    name: ClassVar[str]
    """As stack files have it, in camelCase."""
    settings: type[Given]

    spot: ClassVar[bool] = False
    flex_start: ClassVar[bool] = False
    reserved: ClassVar[bool] = False
    """Whether nodes come from one reservation. These three are what a policy compares with a pool's own fields."""
    paid_before_nodes: ClassVar[bool] = False
    """Whether the bill runs before there are nodes."""
    auto_repair: ClassVar[bool] = True
    """Whether GKE replaces nodes that fail."""
    rolling_upgrades: ClassVar[bool] = True
    """Whether GKE upgrades nodes one by one; False where pools take no upgrade settings."""
    adjective: ClassVar[str] = ""
    """What nodes bought this way are called in `releases 2 reserved nodes`; empty where nothing is to be said."""
    min_gke: ClassVar[Floor | None] = None
    """The oldest GKE version with this mode; None where every version has it."""

    @property
    def label(self) -> str:
        """The name as a value of a resource label, which takes no capitals: `flexStart` → `flex-start`."""
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in self.name)

    @abstractmethod
    def node_pool(self, given: Given, *, nodes: int, max_nodes: int) -> NodePurchase:
        """What to buy for a pool that needs `nodes` at once and may grow to `max_nodes`. Built by `self.bought`."""

    def bought(
        self,
        *,
        min_nodes: int,
        max_nodes: int,
        reservation: ReservationRef | None = None,
        compact: bool = False,
        max_run_seconds: int | None = None,
    ) -> NodePurchase:
        """A purchase with what the class says of the mode."""
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
        """Whether the stack wants nodes close together."""
        return self.node_pool(given, nodes=1, max_nodes=1).compact

    def errors(self, given: Given, *, project: str, zone: str) -> Iterator[tuple[str, str]]:
        """Key of the block and what is wrong with it, for what contradicts the stack's place. None by default."""
        del given, project, zone
        yield from ()

    def warnings(self, given: Given) -> Iterator[tuple[str, str]]:
        """Key of the block, empty for the block itself, and what to think of before money runs. None by default."""
        del given
        yield from ()
