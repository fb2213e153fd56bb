"""Checks whether the reservation exists, is for the right machine type, and has enough free machines."""

from dataclasses import dataclass

from catalog.purchases import ReservationRef
from planning.preflight.check import PASSED, CheckResult, PreflightCheck, Verdict, failed
from planning.preflight.cluster import Cluster, ClusterLookup, Unknown


@dataclass(frozen=True, kw_only=True)
class ReservationState:
    """What Compute Engine says of a reservation."""

    status: str
    machine: str
    """Machine type; empty if the reservation names none."""
    machines: int
    """Machines of the checked level: the reservation, its block or its sub-block."""
    in_use: int


@dataclass(frozen=True, kw_only=True)
class ReservationFree(PreflightCheck):
    """Check of a reservation. `project` is the reservation owner's, which may differ from the stack's."""

    api = "compute"
    role = "compute.viewer"

    zone: str
    reservation: ReservationRef
    machine: str
    nodes: int
    max_nodes: int

    @property
    def condition(self) -> str:
        return f"reservation {self.reservation} is in zone {self.zone} with {self.nodes} × {self.machine} free"

    @property
    def _look(self) -> str:
        return f"`gcloud compute reservations list --project={self.project} --filter=name={self.reservation.name}`"

    def judge(self, state: ReservationState | None, cluster: ClusterLookup) -> CheckResult:
        """The result. `state` is None if the reservation or its block does not exist."""
        where = f"capacity.reservation: {self.reservation}"
        if state is None:
            return failed(f"{where} is not in zone {self.zone} of project {self.project}; to find it: {self._look}")
        if state.status != "READY":
            return failed(f"{where} is {state.status}, not READY; {self._look}")
        if not state.machine:
            return self.unknown(f"it names no machine type; {self._look}")
        if state.machine != self.machine:
            return failed(f"{where} holds {state.machine}, not {self.machine}; choose another: {self._look}")
        free = state.machines - state.in_use
        if free >= self.max_nodes:
            return PASSED
        there = cluster()
        ours = min(there.nodes_on(self.reservation), state.in_use) if isinstance(there, Cluster) else 0
        by_us = f" ({ours} by this stack)" if ours else ""
        counts = f"{state.machines} machines, {state.in_use} in use{by_us}"
        if free + ours >= self.max_nodes:
            return PASSED
        if free + ours >= self.nodes:
            return CheckResult(
                verdict=Verdict.PASSED,
                sentence=f"{where} has {counts}: enough for {self.nodes} nodes, not for the {self.max_nodes} that an "
                "autoscaler may request",
            )
        if isinstance(there, Unknown) and state.machines >= self.nodes:
            return self.unknown(f"it has {counts}, and this stack's share of those is unknown: {there.why}")
        return failed(f"{where} has {counts}, but {self.nodes} are needed; free some or choose another: {self._look}")
