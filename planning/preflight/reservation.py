"""Whether the reservation is there, of the right machine, with enough of them free."""

from dataclasses import dataclass

from catalog.contracts import ReservationRef
from planning.preflight.cluster import AskedIfNeeded, Cluster, Unknown
from planning.preflight.question import WELL, Finding, Question, Verdict, refused


@dataclass(frozen=True, kw_only=True)
class ReservationState:
    status: str
    machine: str
    """Empty where the reservation does not say."""
    machines: int
    """Of the level that is asked: the reservation, its block or its sub-block."""
    in_use: int


@dataclass(frozen=True, kw_only=True)
class ReservationFree(Question):
    """`project` is the owner's, which may be another than ours."""

    api = "compute"
    role = "compute.viewer"

    zone: str
    reservation: ReservationRef
    machine: str
    nodes: int
    most_nodes: int

    @property
    def what(self) -> str:
        return f"reservation {self.reservation} is in zone {self.zone} with {self.nodes} × {self.machine} free"

    @property
    def _look(self) -> str:
        return f"`gcloud compute reservations list --project={self.project} --filter=name={self.reservation.name}`"

    def judge(self, state: ReservationState | None, cluster: AskedIfNeeded) -> Finding:
        """`state` is None for a reservation, or a block of it, that is not there."""
        where = f"capacity.reservation: {self.reservation}"
        if state is None:
            return refused(
                f"{where} is not in zone {self.zone} of project {self.project}; where it is, if anywhere: {self._look}"
            )
        if state.status != "READY":
            return refused(f"{where} is {state.status}, not READY; {self._look}")
        if not state.machine:
            return self.not_answered(f"it does not say which machine it holds; {self._look}")
        if state.machine != self.machine:
            return refused(f"{where} holds {state.machine}, not {self.machine}; name another: {self._look}")
        free = state.machines - state.in_use
        if free >= self.most_nodes:
            return WELL
        there = cluster()
        ours = min(there.nodes_on(self.reservation), state.in_use) if isinstance(there, Cluster) else 0
        by_us = f", {ours} of them by this stack" if ours else ""
        counts = f"{state.machines} machines, {state.in_use} in use{by_us}"
        if free + ours >= self.most_nodes:
            return WELL
        if free + ours >= self.nodes:
            return Finding(
                verdict=Verdict.WELL,
                sentence=f"{where} has {counts}: enough for {self.nodes} nodes, not for the {self.most_nodes} that an "
                "autoscaler may ask for",
            )
        if isinstance(there, Unknown) and state.machines >= self.nodes:
            return self.not_answered(f"it has {counts}, and how many of those are ours is not known: {there.why}")
        return refused(f"{where} has {counts}, but {self.nodes} are needed; free some or name another: {self._look}")
