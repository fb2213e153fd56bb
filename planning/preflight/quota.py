"""Whether the project's quota lets as many GPUs be used."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from catalog.machines import Quota
from planning.preflight.question import WELL, Finding, Question, refused


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One entry of a quota: for which dimensions and locations it is in force. None of either means for all."""

    dimensions: Mapping[str, str]
    locations: Collection[str]
    value: int


UNLIMITED = -1


@dataclass(frozen=True, kw_only=True)
class QuotaLarge(Question):
    api = "cloudquotas"
    role = "cloudquotas.viewer"

    region: str
    quota: Quota
    gpus: int
    """Of all pools that count against it."""

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
            return refused(
                f"capacity.mode: quota {self.quota.id} in {self.region} is {limit.value}, but the plan has up to "
                f"{self.gpus} GPUs, besides what the project uses already; ask for more at {page}"
            )
        return self.not_answered(f"no limit is listed for {self.region}; look at {page}")
