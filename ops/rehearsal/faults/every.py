"""What fails once each in a rehearsal of many faults. Apart, because the command line needs it and no engine."""

from enum import StrEnum


class Every(StrEnum):
    TYPE = "type"
    """The first creation of each type of resource."""
    RESOURCE = "resource"
    """The first creation of each resource."""
