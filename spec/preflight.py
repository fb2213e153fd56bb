"""What is asked of Google Cloud before anything is made, and what each answer means.

Pure: a question knows its words, what it needs to be asked, and how to judge a plain answer. `infra.preflight` asks.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar

from spec import gke_versions
from spec.capacity import CapacityMode
from spec.faults import TOKEN
from spec.plan import Plan


class Verdict(Enum):
    WELL = auto()
    REFUSED = auto()
    NOT_ANSWERED = auto()


@dataclass(frozen=True, kw_only=True)
class Finding:
    verdict: Verdict
    sentence: str = ""
    """What is wrong and what rights it. With a good answer what is worth knowing besides, if anything is."""


WELL = Finding(verdict=Verdict.WELL)


def _refused(sentence: str) -> Finding:
    return Finding(verdict=Verdict.REFUSED, sentence=sentence)


@dataclass(frozen=True, kw_only=True)
class Question:
    """`what` completes the sentence "Google Cloud is asked whether …"."""

    api: ClassVar[str]
    role: ClassVar[str]
    """The least role that may ask."""

    project: str
    """Whose API is asked, and where the role is needed."""

    @property
    def what(self) -> str:
        raise NotImplementedError

    def not_answered(self, why: str) -> Finding:
        return Finding(verdict=Verdict.NOT_ANSWERED, sentence=f"could not find out whether {self.what}: {why}")

    def failed(self, error: str) -> Finding:
        """For a question that ended in an error."""
        return self.not_answered(explained(error, api=self.api, role=self.role, project=self.project))


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
        return _refused(
            f"location.zone: {self.zone} does not offer {self.machine} to project {self.project}; zones that do: "
            f"`gcloud compute machine-types list --project={self.project} --filter=name={self.machine}`"
        )


@dataclass(frozen=True, kw_only=True)
class RoceProfileOffered(Question):
    api = "compute"
    role = "compute.viewer"

    zone: str

    @property
    def profile(self) -> str:
        return f"{self.zone}-vpc-roce"

    @property
    def what(self) -> str:
        return f"zone {self.zone} has the network profile {self.profile}"

    def judge(self, there: bool) -> Finding:
        if there:
            return WELL
        return _refused(
            f"network.rdma: there is no network profile {self.profile}, so zone {self.zone} takes no RoCE network; "
            f"profiles: `gcloud compute network-profiles list --project={self.project}`"
        )


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
        asked = _levels(reservation)
        return sum(
            nodes
            for named, nodes in self.nodes_by_reservation
            if all(a == b for a, b in zip(_levels(named), asked, strict=False))
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
            return _refused(f"the cluster runs {there.version}, {self._older}; upgrade it to one that {look} lists")
        if latest:
            return _refused(f"GKE in {self.region} offers {latest}, {self._older}; all that it offers: {look}")
        return _refused(f"GKE in {self.region} offers no version {gke_versions.VERSION_PREFIX}x; see {look}")

    def _new_enough(self, version: str) -> bool:
        found = gke_versions.parsed(version)
        return bool(found and not (self.floor and found < self.floor.version))

    @property
    def _older(self) -> str:
        return f"older than {self.floor.version}, which {self.floor.of} needs" if self.floor else "of unknown form"


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
    reservation: str
    """As the stack file has it."""
    machine: str
    nodes: int
    most_nodes: int

    @property
    def name(self) -> str:
        return self.levels[0]

    @property
    def levels(self) -> Sequence[str]:
        """The name, and where the stack narrows it the block and sub-block."""
        return _levels(self.reservation)

    @property
    def what(self) -> str:
        return f"reservation {self.reservation} is in zone {self.zone} with {self.nodes} × {self.machine} free"

    @property
    def _look(self) -> str:
        return f"`gcloud compute reservations list --project={self.project} --filter=name={self.name}`"

    def judge(self, state: ReservationState | None, cluster: AskedIfNeeded) -> Finding:
        """`state` is None for a reservation, or a block of it, that is not there."""
        where = f"capacity.reservation: {self.reservation}"
        if state is None:
            return _refused(
                f"{where} is not in zone {self.zone} of project {self.project}; where it is, if anywhere: {self._look}"
            )
        if state.status != "READY":
            return _refused(f"{where} is {state.status}, not READY; {self._look}")
        if not state.machine:
            return self.not_answered(f"it does not say which machine it holds; {self._look}")
        if state.machine != self.machine:
            return _refused(f"{where} holds {state.machine}, not {self.machine}; name another: {self._look}")
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
        return _refused(f"{where} has {counts}, but {self.nodes} are needed; free some or name another: {self._look}")


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One entry of a quota: for which dimensions and locations it is in force. None of either means for all."""

    dimensions: Mapping[str, str]
    locations: Collection[str]
    value: int


UNLIMITED = -1


@dataclass(frozen=True, kw_only=True)
class QuotaId:
    id: str
    dimensions: Mapping[str, str]
    """Besides the region."""


# The kind of quota that nodes of a capacity mode count against. A reservation was granted together with its quota.
QUOTAS: Mapping[CapacityMode, QuotaId] = {
    CapacityMode.SPOT: QuotaId(id="PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region", dimensions={}),
    CapacityMode.FLEX_START: QuotaId(id="PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region", dimensions={}),
    CapacityMode.ON_DEMAND: QuotaId(
        id="GPUS-PER-GPU-FAMILY-per-project-region", dimensions={"gpu_family": "NVIDIA_H200"}
    ),
}


@dataclass(frozen=True, kw_only=True)
class QuotaLarge(Question):
    api = "cloudquotas"
    role = "cloudquotas.viewer"

    region: str
    quota: QuotaId
    gpus: int

    @property
    def what(self) -> str:
        return f"quota {self.quota.id} in {self.region} is {self.gpus} or more"

    def judge(self, limits: Sequence[Limit]) -> Finding:
        """`limits` come from the most specific to the least, so the first that is in force here counts.

        They say what may be used, not what already is.
        """
        wanted = {"region": self.region, **self.quota.dimensions}
        page = f"https://console.cloud.google.com/iam-admin/quotas?project={self.project}"
        for limit in limits:
            if limit.locations and self.region not in limit.locations:
                continue
            if any(wanted.get(key) != value for key, value in limit.dimensions.items()):
                continue
            if limit.value == UNLIMITED or limit.value >= self.gpus:
                return WELL
            return _refused(
                f"capacity.mode: quota {self.quota.id} in {self.region} is {limit.value}, but the plan has up to "
                f"{self.gpus} GPUs, besides what the project uses already; ask for more at {page}"
            )
        return self.not_answered(f"no limit is listed for {self.region}; look at {page}")


# The modes whose RoCE network is ours; for dranetAuto GKE makes it.
_OWN_ROCE = ("dranet", "multiNetwork")


def questions(plan: Plan) -> tuple[Question, ...]:
    """What is asked for a plan; nothing with `preflight: false`."""
    if not plan.preflight:
        return ()
    asked: list[Question] = [
        GkeVersionOffered(
            project=plan.project, region=plan.region, floor=gke_versions.floor(plan.rdma, plan.capacity_mode)
        )
    ]
    if not plan.gpu_pools:
        return tuple(asked)
    machine = plan.gpu_pools[0].machine.name
    asked.append(MachineTypeOffered(project=plan.project, zone=plan.zone, machine=machine))
    if plan.rdma in _OWN_ROCE:
        asked.append(RoceProfileOffered(project=plan.project, zone=plan.zone))
    if plan.capacity_mode is CapacityMode.RESERVATION and plan.reservation:
        asked.append(
            ReservationFree(
                project=_owner(plan.reservation) or plan.project,
                zone=plan.zone,
                reservation=plan.reservation,
                machine=machine,
                nodes=sum(pool.nodes for pool in plan.gpu_pools),
                most_nodes=sum(pool.most_nodes for pool in plan.gpu_pools),
            )
        )
    if quota := QUOTAS.get(plan.capacity_mode) if plan.capacity_mode else None:
        gpus = sum(pool.most_nodes * pool.machine.gpus.count for pool in plan.gpu_pools if pool.machine.gpus)
        asked.append(QuotaLarge(project=plan.project, region=plan.region, quota=quota, gpus=gpus))
    return tuple(asked)


def _owner(reservation: str) -> str:
    """The project of `projects/OWNER/reservations/…`; empty for one of our own."""
    return reservation.split("/")[1] if reservation.startswith("projects/") else ""


def _levels(reservation: str) -> list[str]:
    """Name, block and sub-block, as far as given. Without the owner: GKE may give its number for its name."""
    return reservation.rpartition("reservations/")[2].split("/")[::2]


def is_missing(error: str) -> bool:
    """Whether an error says that what was asked for is not there."""
    return bool(re.search(r"\bError 404\b|\bnot found\b", error))


def explained(error: str, *, api: str, role: str, project: str) -> str:
    """Why an error came instead of an answer, and the command that rights it where there is one."""
    if "requires a quota project" in error:  # a person's own credentials; it too comes as SERVICE_DISABLED
        return (
            f"{api}.googleapis.com wants to know whose quota its callers use; "
            f"`gcloud auth application-default set-quota-project {project}`"
        )
    if re.search(r"accessNotConfigured|SERVICE_DISABLED|has not been used in project", error):
        return (
            f"{api}.googleapis.com is off in project {project}; the first `pulumi up` switches it on, and so does "
            f"`gcloud services enable {api}.googleapis.com --project={project}`"
        )
    if re.search(r"\bError 403\b|PERMISSION_DENIED", error):
        return (
            f"roles/{role} is missing; `gcloud projects add-iam-policy-binding {project} "
            f"--role=roles/{role} --member=YOURS`"
        )
    said = " ".join(error.split())
    if TOKEN.search(said):
        return "the answer was an error that holds a token, so it is not shown"
    return said if len(said) <= 300 else f"{said[:299]}…"
