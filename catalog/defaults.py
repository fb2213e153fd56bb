"""What a stack gets of the catalog where it does not choose, as data in defaults.yaml."""

from functools import cache
from pathlib import Path

from reading import entries
from reading.frozen import Frozen


class Defaults(Frozen):
    name: str
    machine: str
    """Of GPU pools."""
    system_machine: str
    """Of the system pool."""
    engine: str
    """Of deployments whose layout is for no engine."""


@cache
def defaults() -> Defaults:
    return entries.entry(Defaults, Path(__file__).parent, "defaults")


def default_machine() -> str:
    return defaults().machine


def default_system_machine() -> str:
    return defaults().system_machine
