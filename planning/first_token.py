"""How long until a stack answers, and how many paid GPU-minutes pass before: an estimate, made of assumptions.

No part of it was measured on a live project. It is there so that ways to buy can be compared before money runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog import sizing
from catalog.models import Card

# How fast an engine reads its weights. An assumption, not measured here: an engine's documentation reports 1.1 GB/s for
# its plain safetensors loader on one GPU and 4.3 on eight, from a local disk; a hub or a bucket may give less.
READ_BYTES_PER_SECOND = 1e9

# From the hub through one Job into the bucket: a fraction of what a node's network takes.
FETCH_BYTES_PER_SECOND = 0.2e9

# Minutes, rounded up from what Google's and NVIDIA's guides let expect.
CLUSTER_MINUTES = 15
PLATFORM_MINUTES = 5
NODE_MINUTES = 10
# Whole, before anything of it starts: image streaming takes images of Artifact Registry only, and these are NVIDIA's.
IMAGE_MINUTES = 6
WARM_UP_MINUTES = 5
VERIFICATION_MINUTES = 2


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch between `pulumi up` and the first token of a stack that does not exist yet."""

    what: str
    minutes: float
    gpus_paid: bool
    assumes: str


@dataclass(frozen=True, kw_only=True)
class FirstToken:
    phases: tuple[Phase, ...]
    """One after the other; what goes on beside a longer one is not listed."""
    gpus: int
    """Of all nodes that are there from the start, used or not: what is billed."""
    usd_per_hour: float | None
    """For those nodes; None where a part of it has no known price."""

    @property
    def minutes(self) -> float:
        return sum(phase.minutes for phase in self.phases)

    @property
    def paid_minutes(self) -> float:
        return sum(phase.minutes for phase in self.phases if phase.gpus_paid)

    @property
    def paid_gpu_minutes(self) -> float:
        return self.gpus * self.paid_minutes

    @property
    def usd(self) -> float | None:
        return None if self.usd_per_hour is None else self.usd_per_hour * self.paid_minutes / 60


def estimate(
    *,
    paid_before_nodes: bool,
    cluster_exists: bool,
    fetched: Sequence[Card],
    served: Sequence[Card],
    gpus: int,
    usd_per_hour: float | None,
) -> FirstToken:
    """The phases of a first `pulumi up`.

    `paid_before_nodes`: whether the GPUs are billed before there are nodes. `fetched` are the models that a Job brings
    into the bucket, one after the other on the worst day; of those that are `served` the largest decides when all
    engines have loaded theirs.
    """
    phases = _phases(paid_before_nodes, cluster_exists, fetched, served)
    return FirstToken(phases=tuple(phases), gpus=gpus, usd_per_hour=usd_per_hour)


def _phases(reserved: bool, cluster_exists: bool, fetched: Sequence[Card], served: Sequence[Card]) -> Iterator[Phase]:
    if not cluster_exists:
        yield Phase(
            what="cluster, CPU nodes", minutes=CLUSTER_MINUTES, gpus_paid=reserved, assumes=f"{CLUSTER_MINUTES} min"
        )
    fetch = sum(sizing.weights_bytes(card) for card in fetched)
    fetch_minutes = fetch / FETCH_BYTES_PER_SECOND / 60
    prepare = Phase(
        what="platform, weights into the bucket",
        minutes=max(PLATFORM_MINUTES, fetch_minutes),
        gpus_paid=reserved,
        assumes=f"{fetch / sizing.GIB:.0f} GiB at {FETCH_BYTES_PER_SECOND / 1e9:.1f} GB/s",
    )
    nodes = Phase(
        what="GPU nodes, their driver",
        minutes=NODE_MINUTES,
        gpus_paid=True,
        assumes=f"{NODE_MINUTES} min; waiting for capacity is not in it, nor paid",
    )
    if not reserved:
        yield from (prepare, nodes)
    else:  # side by side
        yield max((prepare, nodes), key=lambda phase: phase.minutes)
    yield Phase(
        what="runtime image", minutes=IMAGE_MINUTES, gpus_paid=True, assumes=f"{IMAGE_MINUTES} min for over 10 GB"
    )
    load = max((sizing.weights_bytes(card) for card in served), default=0)
    yield Phase(
        what="weights into the GPUs",
        minutes=load / READ_BYTES_PER_SECOND / 60,
        gpus_paid=True,
        assumes=f"{load / sizing.GIB:.0f} GiB at {READ_BYTES_PER_SECOND / 1e9:.0f} GB/s an engine",
    )
    yield Phase(
        what="compiling, warming up, verifying",
        minutes=WARM_UP_MINUTES + VERIFICATION_MINUTES,
        gpus_paid=True,
        assumes=f"{WARM_UP_MINUTES} + {VERIFICATION_MINUTES} min",
    )
