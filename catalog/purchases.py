"""How the nodes of a GPU pool are bought, as plain data. Imports nothing of this program."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ReservationRef:
    """A reservation of Compute Engine, or a block or sub-block of one, as a stack file names it."""

    name: str
    owner: str = ""
    """The project that shares it; empty where the stack file names none, which means the stack's own."""
    zone: str = ""
    """Empty where the stack file names none, as it may: a node pool takes reservations of its own zone only."""
    block: str = ""
    sub_block: str = ""

    @classmethod
    def parse(cls, text: str) -> "ReservationRef":
        """The reservation that a text names: `[projects/OWNER/[zones/ZONE/]reservations/]NAME`, and after it
        `/reservationBlocks/BLOCK[/reservationSubBlocks/SUB-BLOCK]` where it is narrowed."""
        whole, _, narrowed = text.partition("/reservationBlocks/")
        block, _, sub_block = narrowed.partition("/reservationSubBlocks/")
        *place, name = whole.split("/")
        said = dict(zip(place[::2], place[1::2], strict=False))
        return cls(
            name=name, owner=said.get("projects", ""), zone=said.get("zones", ""), block=block, sub_block=sub_block
        )

    @property
    def levels(self) -> tuple[str, ...]:
        """Name, block and sub-block, as far as given. Without the owner: GKE may give its number for its name."""
        return tuple(level for level in (self.name, self.block, self.sub_block) if level)

    @property
    def whole(self) -> str:
        """The whole reservation, as a node pool takes it: the pool's own zone says the zone."""
        return f"projects/{self.owner}/reservations/{self.name}" if self.owner else self.name

    def __str__(self) -> str:
        """The reservation, or its block or sub-block, as a node pool takes it."""
        block = f"/reservationBlocks/{self.block}" if self.block else ""
        return self.whole + block + (f"/reservationSubBlocks/{self.sub_block}" if self.sub_block else "")

    def overlaps(self, other: "ReservationRef") -> bool:
        """Whether both may hold the same machine: they are the same, or one is a part of the other."""
        return all(a == b for a, b in zip(self.levels, other.levels, strict=False))


@dataclass(frozen=True, kw_only=True)
class NodePurchase:
    """How the nodes of one GPU pool are bought and kept, in terms of a GKE node pool."""

    mode: str
    """Name of the capacity mode."""
    label: str
    """The mode as a value of the resource label `CAPACITY_LABEL`."""
    min_nodes: int
    """Nodes that the pool keeps. Zero: it is created empty, and its nodes come with the pods that need them."""
    max_nodes: int
    """More than `min_nodes` where an autoscaler adds some."""
    spot: bool = False
    flex_start: bool = False
    max_run_seconds: int | None = None
    """How long a node may run; None: without limit."""
    reservation: ReservationRef | None = None
    """The only reservation that nodes may come from; None: they may come from none."""
    compact: bool = False
    """Whether nodes have to lie close together."""
    auto_repair: bool = True
    rolling_upgrades: bool = True
    """Whether GKE upgrades nodes one by one, without a spare one; False for pools that take no upgrade settings."""
    paid_before_nodes: bool = False
    """Whether the bill runs before there are nodes, so that nothing is won by creating them last."""

    @property
    def scaled(self) -> bool:
        """Whether the autoscaler sets the number of nodes."""
        return self.max_nodes > self.min_nodes


# Resource label of a GPU node pool: the capacity mode that its nodes are bought in.
CAPACITY_LABEL = "dynamo-gke-capacity"
