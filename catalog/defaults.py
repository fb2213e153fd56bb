"""The catalog entries that a stack gets by default, read from defaults.yaml."""

from functools import cache
from pathlib import Path

from reading import entries
from reading.frozen import Frozen


class Defaults(Frozen):
    name: str
    machine: str
    """Machine of GPU pools."""
    system_machine: str
    """Machine of the system pool."""
    engine: str
    """Engine of deployments whose layout names none."""


@cache
def defaults() -> Defaults:
    return entries.entry(Defaults, Path(__file__).parent, "defaults")


def default_machine() -> str:
    return defaults().machine


def default_system_machine() -> str:
    return defaults().system_machine
