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
class Phase:
    """One phase between the first `pulumi up` of a new stack and its first token."""

    name: str
    minutes: float
    gpus_paid: bool
    assumes: str


@dataclass(frozen=True, kw_only=True)
class FirstToken:
    phases: tuple[Phase, ...]
    """Phases in order. A phase that runs in parallel with a longer one is not listed."""
    gpus: int
    """GPUs of all nodes that exist from the start, used or not. All are billed."""
    usd_per_hour: float | None
    """Price of these nodes; None if a part has no known price."""

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

    `paid_before_nodes`: whether billing of the GPUs starts before nodes exist. `fetched`: the models that Jobs copy to
    the bucket, in the worst case one after another. `served`: the models that engines load; the largest one determines
    when all are loaded.
    """
    phases = _phases(paid_before_nodes, cluster_exists, fetched, served)
    return FirstToken(phases=tuple(phases), gpus=gpus, usd_per_hour=usd_per_hour)


def _phases(reserved: bool, cluster_exists: bool, fetched: Sequence[Card], served: Sequence[Card]) -> Iterator[Phase]:
    if not cluster_exists:
        yield Phase(
            name="cluster, CPU nodes", minutes=CLUSTER_MINUTES, gpus_paid=reserved, assumes=f"{CLUSTER_MINUTES} min"
        )
    fetch = sum(sizing.weights_bytes(card) for card in fetched)
    fetch_minutes = fetch / FETCH_BYTES_PER_SECOND / 60
    prepare = Phase(
        name="platform, weights into the bucket",
        minutes=max(PLATFORM_MINUTES, fetch_minutes),
        gpus_paid=reserved,
        assumes=f"{fetch / sizing.GIB:.0f} GiB at {FETCH_BYTES_PER_SECOND / 1e9:.1f} GB/s",
    )
    nodes = Phase(
        name="GPU nodes, their driver",
        minutes=NODE_MINUTES,
        gpus_paid=True,
        assumes=f"{NODE_MINUTES} min, without the wait for capacity, which is not billed",
    )
    if not reserved:
        yield from (prepare, nodes)
    else:  # in parallel
        yield max((prepare, nodes), key=lambda phase: phase.minutes)
    yield Phase(
        name="runtime image", minutes=IMAGE_MINUTES, gpus_paid=True, assumes=f"{IMAGE_MINUTES} min for over 10 GB"
    )
    load = max((sizing.weights_bytes(card) for card in served), default=0)
    yield Phase(
        name="weights into the GPUs",
        minutes=load / READ_BYTES_PER_SECOND / 60,
        gpus_paid=True,
        assumes=f"{load / sizing.GIB:.0f} GiB at {READ_BYTES_PER_SECOND / 1e9:.0f} GB/s an engine",
    )
    yield Phase(
        name="compiling, warming up, verifying",
        minutes=WARM_UP_MINUTES + VERIFICATION_MINUTES,
        gpus_paid=True,
        assumes=f"{WARM_UP_MINUTES} + {VERIFICATION_MINUTES} min",
    )
