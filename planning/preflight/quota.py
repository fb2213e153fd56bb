"""Checks whether the project's quota allows the planned GPUs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from catalog.machines import Quota
from planning.preflight.check import PASSED, CheckResult, PreflightCheck, failed


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One entry of a quota. Empty `dimensions` or `locations` mean all of them."""

    dimensions: Mapping[str, str]
    locations: Collection[str]
    value: int


UNLIMITED = -1

ALL_REGIONS = "global"
"""Cloud Quotas' location of a quota over all regions."""


@dataclass(frozen=True, kw_only=True)
class QuotaSufficient(PreflightCheck):
    """The quota suffices for the nodes."""

    api = "cloudquotas"
    role = "cloudquotas.viewer"

    region: str
    """Region of the quota, or ALL_REGIONS."""
    quota: Quota
    gpus: int
    """GPUs of all pools that count against the quota."""

    @property
    def condition(self) -> str:
        return f"quota {self.quota.id} in {self.where} is {self.gpus} or more"

    @property
    def where(self) -> str:
        return "all regions together" if self.region == ALL_REGIONS else self.region

    def judge(self, limits: Sequence[Limit]) -> CheckResult:
        """`limits` are sorted from the most to the least specific, so the first that matches counts.

        A limit does not show how much of the quota is already used.
        """
        wanted = ({} if self.region == ALL_REGIONS else {"region": self.region}) | self.quota.dimensions
        page = f"https://console.cloud.google.com/iam-admin/quotas?project={self.project}"
        for limit in limits:
            if limit.locations and self.region not in limit.locations:
                continue
            if any(wanted.get(key) != value for key, value in limit.dimensions.items()):
                continue
            if limit.value == UNLIMITED or limit.value >= self.gpus:
                return PASSED
            return failed(
                f"capacity.mode: quota {self.quota.id} in {self.where} is {limit.value}, but the plan has up to "
                f"{self.gpus} GPUs, on top of the project's other GPUs; request more at {page}"
            )
        return self.unknown(f"no limit is listed for {self.where}; look at {page}")
