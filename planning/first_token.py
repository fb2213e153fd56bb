"""Estimates the time from `pulumi up` to the first token, and the paid GPU-minutes until then, from assumptions.

No part was measured on a live project. The estimate lets a reader compare capacity modes before costs begin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog import sizing
from catalog.models import Card

# Speed at which an engine reads weights. An assumption, not measured here: an engine's documentation reports 1.1 GB/s
# for its plain safetensors loader on one GPU and 4.3 on eight, from a local disk. A hub or a bucket may be slower.
READ_BYTES_PER_SECOND = 1e9

# Speed from the hub through one Job into the bucket: a fraction of a node's network bandwidth.
FETCH_BYTES_PER_SECOND = 0.2e9

# Minutes, rounded up from Google's and NVIDIA's guides.
CLUSTER_MINUTES = 15
PLATFORM_MINUTES = 5
NODE_MINUTES = 10
# Time to pull the whole image: image streaming needs Artifact Registry, and this image is in NVIDIA's registry.
IMAGE_MINUTES = 6
WARM_UP_MINUTES = 5
VERIFICATION_MINUTES = 2


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """GPU nodes that are billed from the same moment."""

    gpus: int
    """GPUs of all nodes that exist from the start, used or not. All are billed."""
    usd_per_hour: float | None
    """Price of the nodes; None if unknown."""
    paid_before_nodes: bool
    """Whether billing starts before the nodes exist. They are then created at once, else after the weights."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase between the first `pulumi up` of a new stack and its first token."""

    name: str
    minutes: float
    paid: tuple[Nodes, ...]
    """Nodes that are billed during the phase."""
    assumes: str

    @property
    def gpus(self) -> int:
        """GPUs that are billed during the phase."""
        return sum(nodes.gpus for nodes in self.paid)


@dataclass(frozen=True, kw_only=True)
class FirstToken:
    """Estimate of the time from `pulumi up` to the first token."""

    phases: tuple[Phase, ...]
    """Phases in order. A phase that runs in parallel with a longer one is not listed."""

    @property
    def minutes(self) -> float:
        return sum(phase.minutes for phase in self.phases)

    @property
    def paid_gpu_minutes(self) -> float:
        return sum(phase.gpus * phase.minutes for phase in self.phases)

    @property
    def usd(self) -> float | None:
        """Price of the nodes until the first token; None if a part has no known price."""
        paid = [(nodes.usd_per_hour, phase.minutes / 60) for phase in self.phases for nodes in phase.paid]
        known = [usd * hours for usd, hours in paid if usd is not None]
        return sum(known) if len(known) == len(paid) else None


def estimate(
    *, nodes: Sequence[Nodes], cluster_exists: bool, fetched: Sequence[Card], served: Sequence[Card]
) -> FirstToken:
    """The phases of a first `pulumi up`.

    `fetched`: the models that Jobs copy to the bucket, in the worst case one after another. `served`: the models that
    engines load; the largest one determines when all are loaded.
    """
    return FirstToken(phases=tuple(_phases(tuple(nodes), cluster_exists, fetched, served)))


def _phases(
    all_nodes: tuple[Nodes, ...], cluster_exists: bool, fetched: Sequence[Card], served: Sequence[Card]
) -> Iterator[Phase]:
    early = tuple(nodes for nodes in all_nodes if nodes.paid_before_nodes)
    if not cluster_exists:
        yield Phase(name="cluster, CPU nodes", minutes=CLUSTER_MINUTES, paid=early, assumes=f"{CLUSTER_MINUTES} min")
    fetch = sum(sizing.weights_bytes(card) for card in fetched)
    fetch_minutes = fetch / FETCH_BYTES_PER_SECOND / 60
    prepare = Phase(
        name="platform, weights into the bucket",
        minutes=max(PLATFORM_MINUTES, fetch_minutes),
        paid=early,
        assumes=f"{fetch / sizing.GIB:.0f} GiB at {FETCH_BYTES_PER_SECOND / 1e9:.1f} GB/s",
    )
    nodes = Phase(
        name="GPU nodes, their driver",
        minutes=NODE_MINUTES,
        paid=all_nodes,
        assumes=f"{NODE_MINUTES} min, without the wait for capacity, which is not billed",
    )
    if early != all_nodes:
        yield from (prepare, nodes)
    else:  # in parallel
        yield max((prepare, nodes), key=lambda phase: phase.minutes)
    yield Phase(
        name="runtime image", minutes=IMAGE_MINUTES, paid=all_nodes, assumes=f"{IMAGE_MINUTES} min for over 10 GB"
    )
    load = max((sizing.weights_bytes(card) for card in served), default=0)
    yield Phase(
        name="weights into the GPUs",
        minutes=load / READ_BYTES_PER_SECOND / 60,
        paid=all_nodes,
        assumes=f"{load / sizing.GIB:.0f} GiB at {READ_BYTES_PER_SECOND / 1e9:.0f} GB/s an engine",
    )
    yield Phase(
        name="compiling, warming up, verifying",
        minutes=WARM_UP_MINUTES + VERIFICATION_MINUTES,
        paid=all_nodes,
        assumes=f"{WARM_UP_MINUTES} + {VERIFICATION_MINUTES} min",
    )
