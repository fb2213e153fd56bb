"""Checks whether the zone offers the machine type and the network profile of its RDMA NICs."""

from collections.abc import Collection
from dataclasses import dataclass

from planning.preflight.check import PASSED, CheckResult, PreflightCheck, failed


@dataclass(frozen=True, kw_only=True)
class MachineTypeOffered(PreflightCheck):
    """The zone offers the machine types."""

    api = "compute"
    role = "compute.viewer"

    zone: str
    machine: str

    @property
    def condition(self) -> str:
        return f"zone {self.zone} offers {self.machine}"

    def judge(self, offered: Collection[str]) -> CheckResult:
        if self.machine in offered:
            return PASSED
        return failed(
            f"location.zone: {self.zone} does not offer {self.machine} to project {self.project}; zones that do: "
            f"`gcloud compute machine-types list --project={self.project} --filter=name={self.machine}`"
        )


@dataclass(frozen=True, kw_only=True)
class RoceProfileOffered(PreflightCheck):
    """The zone offers the network profile of the RDMA network."""

    api = "compute"
    role = "compute.viewer"

    zone: str
    profile: str
    """The network profile of the zone that the machine's NICs need."""

    @property
    def condition(self) -> str:
        return f"zone {self.zone} has the network profile {self.profile}"

    def judge(self, there: bool) -> CheckResult:
        if there:
            return PASSED
        return failed(
            f"network.rdma: network profile {self.profile} does not exist, so zone {self.zone} supports no RoCE "
            f"network; profiles: `gcloud compute network-profiles list --project={self.project}`"
        )
