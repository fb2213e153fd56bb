"""`location`: the region, and the zone of the GPU nodes."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from catalog import locations
from reading.frozen import Frozen


def _no_region(given: object) -> object:
    """Raises ValueError for a region in place of a zone, with the region's zones."""
    if isinstance(given, str) and (zones := locations.known().zones_of(given)):
        raise ValueError(f"{given} is a region; use one of its zones: {', '.join(zones)}")
    return given


Region = Annotated[
    str,
    Field(
        pattern=r"^[a-z]+-[a-z]+[0-9]+$",
        description="a region, in lower case: area, dash, place and number",
        examples=["europe-west1"],
    ),
]


class Location(Frozen):
    region: Region
    """Region of the cluster, its CPU nodes and the weights bucket."""
    zone: Annotated[
        str,
        Field(
            pattern=r"^[a-z]+-[a-z]+[0-9]+-(ai[0-9]+)?[a-z]$",
            description="a zone, in lower case: its region, dash and letter",
            examples=["europe-west1-b"],
        ),
        BeforeValidator(_no_region),
    ]
    """Zone of the GPU nodes. Only one, because a RoCE network is zonal."""
    allow_unlisted: bool = False
    """Whether to accept a region or zone that is not in `catalog/locations`, such as one newer than the list."""
