"""GKE's versions, such as 1.34.1-gke.1829001: their order, and the oldest that a plan can live with."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# The newest patch of this minor is asked for when the cluster is created; later GKE upgrades it itself.
VERSION_PREFIX = "1.35."

_FORM = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-gke\.(\d+))?")


@dataclass(frozen=True, order=True)
class GkeVersion:
    """Compared part by part; a version without GKE's own patch is older than any with one."""

    major: int
    minor: int
    patch: int
    gke: int = -1

    def __str__(self) -> str:
        own = f"-gke.{self.gke}" if self.gke >= 0 else ""
        return f"{self.major}.{self.minor}.{self.patch}{own}"


def parsed(text: str) -> GkeVersion | None:
    """The version, or None for text of another form."""
    found = _FORM.fullmatch(text)
    return GkeVersion(*(int(part) for part in found.groups() if part)) if found else None


@dataclass(frozen=True, order=True)
class Floor:
    version: GkeVersion
    of: str
    """What needs it."""

    def __str__(self) -> str:
        return f"{self.version} or newer, as {self.of} needs"


# Of the chart; `preStop.sleep` of the frontends came with the same minor.
PLATFORM = Floor(GkeVersion(1, 30, 0), "Dynamo's platform")


def highest(floors: Iterable[Floor | None]) -> Floor | None:
    """The one that meets all; None where nothing is needed."""
    return max((each for each in floors if each), default=None)
