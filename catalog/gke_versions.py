"""GKE versions, such as 1.34.1-gke.1829001: their order, and the min version of a plan."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_FORM = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-gke\.(\d+))?")


@dataclass(frozen=True, order=True)
class GkeVersion:
    """A GKE version, compared part by part. A version without a `-gke.` patch is older than any with one."""

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
    """A minimum GKE version, and why."""

    version: GkeVersion
    needed_by: str
    """The feature that needs the version."""

    def __str__(self) -> str:
        return f"{self.version} or newer, as {self.needed_by} needs"


# A new cluster gets the newest patch of this minor version, or of the newer one that its features need. GKE upgrades it
# from then on.
USUAL = (1, 35)


def prefix(floor: Floor | None) -> str:
    """How the versions of a new cluster begin."""
    needed = (floor.version.major, floor.version.minor) if floor else USUAL
    major, minor = max(USUAL, needed)
    return f"{major}.{minor}."


# The chart's own floor. `preStop.sleep` of the frontends came with the same minor version.
PLATFORM = Floor(GkeVersion(1, 30, 0), "Dynamo's platform")


def highest(floors: Iterable[Floor | None]) -> Floor | None:
    """The highest floor, which meets all; None without any floor."""
    return max((each for each in floors if each), default=None)
