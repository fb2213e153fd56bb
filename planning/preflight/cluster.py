"""Our cluster as it is now, and whether GKE offers a version that will do."""

from collections.abc import Callable
from dataclasses import dataclass

from catalog import gke_versions
from catalog.contracts import ReservationRef
from planning.preflight.question import WELL, Finding, Question, refused


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Our own cluster as it is now; without a version it is not there yet."""

    version: str = ""
    nodes_by_reservation: tuple[tuple[ReservationRef, int], ...] = ()
    """The reservation that each pool with an affinity names, and the pool's nodes."""

    def nodes_on(self, reservation: ReservationRef) -> int:
        """The nodes that may be in a reservation, or in a block of it.

        Of a pool on a whole reservation some may be in the block that is asked about, so all count: else the change
        to the block, which gives them back first, would be refused.
        """
        return sum(nodes for named, nodes in self.nodes_by_reservation if named.overlaps(reservation))


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
    channel: str
    floor: gke_versions.Floor | None

    @property
    def what(self) -> str:
        needs = f" and, if the cluster is there, it runs {self.floor}" if self.floor else ""
        return f"GKE in {self.region} offers {gke_versions.VERSION_PREFIX}x in channel {self.channel}{needs}"

    def judge(self, latest: str, cluster: AskedIfNeeded) -> Finding:
        """`latest` is the newest that the channel offers, empty when none is.

        A cluster that is there keeps its version, whatever is offered: then that one counts, and nothing else.
        """
        if latest and not self.floor:
            return WELL
        there = cluster()
        if isinstance(there, Cluster) and there.version:
            return self._judge_running(there.version)
        if latest:
            return WELL
        look = f"`gcloud container get-server-config --region={self.region} --project={self.project}`"
        version = f"{gke_versions.VERSION_PREFIX}x"
        none = f"channel {self.channel} of GKE in {self.region} offers no version {version}; see {look}"
        if isinstance(there, Unknown):
            return self.not_answered(f"{none}; and the cluster, if there is one, was not found: {there.why}")
        return refused(none)

    def _judge_running(self, version: str) -> Finding:
        found = gke_versions.parsed(version)
        if not self.floor or (found and found >= self.floor.version):
            return WELL
        return refused(
            f"the cluster runs {version}, older than {self.floor.version}, which {self.floor.of} needs; "
            "docs/upgrade-and-teardown.md"
        )
