"""How the nodes of a GPU pool are bought, as plain data. This module imports no other module of the program."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ReservationRef:
    """A Compute Engine reservation, or a block or sub-block of one, as a stack file names it."""

    name: str
    owner: str = ""
    """Project that shares the reservation; empty for the stack's own project."""
    zone: str = ""
    """Zone; empty where the stack file names none, since a node pool uses reservations of its own zone only."""
    block: str = ""
    sub_block: str = ""

    @classmethod
    def parse(cls, text: str) -> "ReservationRef":
        """The reservation that a text names: `[projects/OWNER/[zones/ZONE/]reservations/]NAME`, optionally followed by
        `/reservationBlocks/BLOCK[/reservationSubBlocks/SUB-BLOCK]`."""
        whole, _, narrowed = text.partition("/reservationBlocks/")
        block, _, sub_block = narrowed.partition("/reservationSubBlocks/")
        *place, name = whole.split("/")
        said = dict(zip(place[::2], place[1::2], strict=False))
        return cls(
            name=name, owner=said.get("projects", ""), zone=said.get("zones", ""), block=block, sub_block=sub_block
        )

    @property
    def levels(self) -> tuple[str, ...]:
        """Name, block and sub-block, as far as given. Omits the owner, for which GKE may return the project number."""
        return tuple(level for level in (self.name, self.block, self.sub_block) if level)

    @property
    def whole(self) -> str:
        """The whole reservation as a node pool's argument, without the zone, which is the pool's."""
        return f"projects/{self.owner}/reservations/{self.name}" if self.owner else self.name

    def __str__(self) -> str:
        """The reservation, or its block or sub-block, as a node pool's argument."""
        block = f"/reservationBlocks/{self.block}" if self.block else ""
        return self.whole + block + (f"/reservationSubBlocks/{self.sub_block}" if self.sub_block else "")

    def overlaps(self, other: "ReservationRef") -> bool:
        """Whether both may contain the same machine: they are equal, or one is part of the other."""
        return all(a == b for a, b in zip(self.levels, other.levels, strict=False))


@dataclass(frozen=True, kw_only=True)
class NodePurchase:
    """How the nodes of one GPU pool are bought and kept, in the terms of a GKE node pool."""

    mode: str
    """Name of the capacity mode."""
    label: str
    """The mode as a value of the resource label `CAPACITY_LABEL`."""
    min_nodes: int
    """Nodes that the pool keeps. Zero: the pool is created empty and adds nodes when pods need them."""
    max_nodes: int
    """Max nodes of the pool; more than `min_nodes` where the autoscaler may add nodes."""
    spot: bool = False
    flex_start: bool = False
    max_run_seconds: int | None = None
    """Max lifetime of a node, seconds; None: unlimited."""
    reservation: ReservationRef | None = None
    """The only reservation that nodes may use; None: nodes may use no reservation."""
    compact: bool = False
    """Whether nodes need compact placement."""
    auto_repair: bool = True
    rolling_upgrades: bool = True
    """Whether GKE upgrades nodes one by one without a surge node; False for pools that accept no upgrade settings."""
    paid_before_nodes: bool = False
    """Whether billing starts before nodes exist. If so, creating them last saves nothing."""

    @property
    def scaled(self) -> bool:
        """Whether the autoscaler sets the number of nodes."""
        return self.max_nodes > self.min_nodes


# Resource label of a GPU node pool. Its value is the capacity mode of the nodes.
CAPACITY_LABEL = "dynamo-gke-capacity"
