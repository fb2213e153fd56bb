"""Checks whether GKE offers a suitable version, or the stack's cluster already runs one."""

from collections.abc import Callable
from dataclasses import dataclass

from catalog import gke_versions
from catalog.purchases import ReservationRef
from planning.preflight.check import PASSED, CheckResult, PreflightCheck, failed


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Current state of the stack's own cluster; without a version, the cluster does not exist yet."""

    version: str = ""
    nodes_by_reservation: tuple[tuple[ReservationRef, int], ...] = ()
    """The reservation that each pool with an affinity names, and the pool's nodes."""

    def nodes_on(self, reservation: ReservationRef) -> int:
        """The stack's nodes that may be in a reservation, or in a block of it.

        Nodes of a pool on the whole reservation may be in the checked block, so all count. Otherwise the check would
        fail a change to the block, which releases them first.
        """
        return sum(nodes for named, nodes in self.nodes_by_reservation if named.overlaps(reservation))


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """The reason why an answer is missing."""

    why: str


ClusterLookup = Callable[[], Cluster | Unknown]
"""Looks up the stack's cluster; called only if the result depends on the cluster."""


@dataclass(frozen=True, kw_only=True)
class GkeVersionOffered(PreflightCheck):
    """The region offers a GKE version that the plan can use."""

    api = "container"
    role = "container.viewer"

    region: str
    channel: str
    floor: gke_versions.Floor | None

    @property
    def prefix(self) -> str:
        """How the versions begin of which a new cluster gets the newest."""
        return gke_versions.prefix(self.floor)

    @property
    def condition(self) -> str:
        needs = f" and the cluster, new or existing, runs {self.floor}" if self.floor else ""
        return f"GKE in {self.region} offers {self.prefix}x in channel {self.channel}{needs}"

    def judge(self, latest: str, cluster: ClusterLookup) -> CheckResult:
        """`latest` is the newest version of the channel with the prefix, empty if the channel has none.

        An existing cluster keeps its version, so only that version counts.
        """
        if latest and not self.floor:
            return PASSED
        there = cluster()
        if isinstance(there, Cluster) and there.version:
            return self._judge_running(there.version)
        lacking = self._lacking(latest)
        if not lacking:
            return PASSED
        if isinstance(there, Unknown):
            return self.unknown(f"{lacking}, and an existing cluster could not be looked up: {there.why}")
        return failed(lacking)

    def _lacking(self, latest: str) -> str:
        """Why the newest version is not enough for a new cluster; empty if it is."""
        channel = f"channel {self.channel} of GKE in {self.region}"
        look = f"`gcloud container get-server-config --region={self.region} --project={self.project}`"
        if not latest:
            return f"{channel} offers no version {self.prefix}x; see {look}"
        found = gke_versions.parsed(latest)
        if self.floor and (found is None or found < self.floor.version):
            return (
                f"{channel} offers {latest}, older than {self.floor.version}, which {self.floor.needed_by} needs; set "
                f"cluster.releaseChannel to a channel with a newer version, see {look}"
            )
        return ""

    def _judge_running(self, version: str) -> CheckResult:
        found = gke_versions.parsed(version)
        if not self.floor or (found and found >= self.floor.version):
            return PASSED
        return failed(
            f"the cluster runs {version}, older than {self.floor.version}, which {self.floor.needed_by} needs; "
            "upgrade it as docs/upgrade-and-teardown.md says"
        )
