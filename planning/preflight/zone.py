"""Whether the zone has the machine, and takes the network of its RDMA NICs."""

from collections.abc import Collection
from dataclasses import dataclass

from planning.preflight.question import WELL, Finding, Question, refused


@dataclass(frozen=True, kw_only=True)
class MachineTypeOffered(Question):
    api = "compute"
    role = "compute.viewer"

    zone: str
    machine: str

    @property
    def what(self) -> str:
        return f"zone {self.zone} offers {self.machine}"

    def judge(self, offered: Collection[str]) -> Finding:
        if self.machine in offered:
            return WELL
        return refused(
            f"location.zone: {self.zone} does not offer {self.machine} to project {self.project}; zones that do: "
            f"`gcloud compute machine-types list --project={self.project} --filter=name={self.machine}`"
        )


@dataclass(frozen=True, kw_only=True)
class RoceProfileOffered(Question):
    api = "compute"
    role = "compute.viewer"

    zone: str
    profile: str
    """The network profile of the zone that the machine's NICs need."""

    @property
    def what(self) -> str:
        return f"zone {self.zone} has the network profile {self.profile}"

    def judge(self, there: bool) -> Finding:
        if there:
            return WELL
        return refused(
            f"network.rdma: there is no network profile {self.profile}, so zone {self.zone} takes no RoCE network; "
            f"profiles: `gcloud compute network-profiles list --project={self.project}`"
        )
