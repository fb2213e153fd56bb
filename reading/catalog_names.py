"""Marks text that names an entry of the catalog, so that editors can propose the names. Costs nothing until asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class NameOf:
    """The names that text may have."""

    names: Callable[[], Mapping[str, str]]
    """Name → description; empty without one."""
    file: str = ""
    """The path of a user's own file, as an example; empty where only names of the catalog are allowed."""
