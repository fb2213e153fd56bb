"""Our cluster as it is now, and whether GKE offers a version that will do."""

from collections.abc import Callable
from dataclasses import dataclass

from spec import gke_versions
from spec.preflight.question import WELL, Finding, Question, refused


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Our own cluster as it is now; without a version it is not there yet."""

    version: str = ""
    nodes_by_reservation: tuple[tuple[str, int], ...] = ()
    """The reservation that each pool with an affinity names, and the pool's nodes."""

    def nodes_on(self, reservation: str) -> int:
        """The nodes that may be in a reservation, or in a block of it.

        Of a pool on a whole reservation some may be in the block that is asked about, so all count: else the change
        to the block, which gives them back first, would be refused.
        """
        asked = levels(reservation)
        return sum(
            nodes
            for named, nodes in self.nodes_by_reservation
            if all(a == b for a, b in zip(levels(named), asked, strict=False))
        )


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """What could not be asked, and why."""

    why: str


AskedIfNeeded = Callable[[], Cluster | Unknown]
"""Our cluster, which is asked about only where the answer may turn on it."""


@dataclass(frozen=True, kw_only=True)
class GkeVersionOffered(Question):
    api = "container"
    role = "container.viewer"

    region: str
    floor: gke_versions.Floor | None

    @property
    def what(self) -> str:
        least = f", at least {self.floor.version} as {self.floor.of} needs" if self.floor else ""
        return f"GKE in {self.region} offers a version {gke_versions.VERSION_PREFIX}x{least}"

    def judge(self, latest: str, cluster: AskedIfNeeded) -> Finding:
        """`latest` is the newest that is offered, empty when none is.

        A cluster that is there lives on when GKE no longer offers the minor that it was made with.
        """
        look = f"`gcloud container get-server-config --region={self.region} --project={self.project}`"
        if self._new_enough(latest):
            return WELL
        offers = f"it offers {latest or 'none'}, see {look}"
        if latest and not gke_versions.parsed(latest):
            return self.not_answered(offers)
        there = cluster()
        if isinstance(there, Unknown):
            return self.not_answered(f"{offers}, and the cluster, if there is one, was not found: {there.why}")
        if self._new_enough(there.version):
            return WELL
        if there.version:
            return refused(f"the cluster runs {there.version}, {self._older}; upgrade it to one that {look} lists")
        if latest:
            return refused(f"GKE in {self.region} offers {latest}, {self._older}; all that it offers: {look}")
        return refused(f"GKE in {self.region} offers no version {gke_versions.VERSION_PREFIX}x; see {look}")

    def _new_enough(self, version: str) -> bool:
        found = gke_versions.parsed(version)
        return bool(found and not (self.floor and found < self.floor.version))

    @property
    def _older(self) -> str:
        return f"older than {self.floor.version}, which {self.floor.of} needs" if self.floor else "of unknown form"


def levels(reservation: str) -> list[str]:
    """Name, block and sub-block, as far as given. Without the owner: GKE may give its number for its name."""
    return reservation.rpartition("reservations/")[2].split("/")[::2]
