"""The classes of an engine's flags, which say what a stack may do with each. Read from the YAML file of the table."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Literal, NamedTuple

from catalog.flags import ArgumentError
from catalog.flags.argv import number
from catalog.flags.given import Given
from catalog.flags.table import Table
from reading import entries
from reading.frozen import Frozen

_ALLOW = "if you trust it, name the flag in `engine.allowCode` too"


Verdict = Literal["allowed", "refused", "code"]


class Bounds(Frozen):
    """Bounds of an allowed flag that the runtime checks only after its workers start, or never."""

    min: int | None = None
    max: int | None = None
    why: str

    def error(self, value: str) -> str | None:
        """The error of a valid number, as the stack wrote it; None if it is within the bounds."""
        given = number(value)
        if self.min is not None and given < self.min:
            return f"got {value}; must be at least {self.min}: {self.why}"
        if self.max is not None and given > self.max:
            return f"got {value}; must be at most {self.max}: {self.why}"
        return None


class _Described(Frozen):
    """A class as its file describes it. A flag may have its own reason or bounds."""

    verdict: Verdict
    why: str = ""
    flags: dict[str, str | Bounds | None]
    """Flag → reason or bounds. `NAME.*` stands for NAME and every flag below it that no class lists."""


class _File(Frozen):
    name: str
    classes: dict[str, _Described]


class Class(NamedTuple):
    """The class of one flag, with its verdict and the reason that errors give."""

    name: str
    verdict: Verdict
    why: str
    bounds: Bounds | None = None


@cache
def classes(table: Table) -> Mapping[str, Class]:
    """The class of each flag of a module, and of a negative form where its class differs.

    Without a file no flag has a class, and a stack may set none.
    """
    if not table.path.with_suffix(".yaml").exists():
        return {}
    found: dict[str, Class] = {}
    groups: dict[str, Class] = {}
    for name, described in entries.entry(_File, table.path.parent, table.path.stem).classes.items():
        for flag, own in described.flags.items():
            bounds = own if isinstance(own, Bounds) else None
            why = described.why if own is None or bounds else str(own)
            (groups if flag.endswith(".*") else found)[flag] = Class(name, described.verdict, why, bounds)
    return _grouped(table, groups) | found


def _grouped(table: Table, groups: Mapping[str, Class]) -> dict[str, Class]:
    """The classes of the flags in each group: the flag of its name and the flags below it. The longest match wins."""
    longest = sorted(groups, key=len, reverse=True)
    chosen = {
        flag: next((group for group in longest if f"{flag}.".startswith(group[:-1])), None) for flag in table.flags
    }
    return {flag: groups[group] for flag, group in chosen.items() if group}


def not_allowed(table: Table, allowed_code: Iterable[str] = ()) -> dict[str, str]:
    """The flags that a stack may not set, each with the reason and what to do instead."""
    known = classes(table)
    file = f"{table.path.parent.name}/{table.path.stem}.yaml"
    unknown = f"this program does not know what it does yet; give it a class in {file} first"
    found = {name: unknown for name in table.flags if name not in known}
    found |= {name: flag.why for name, flag in known.items() if flag.verdict == "refused"}
    code = {name: f"{flag.why}; {_ALLOW}" for name, flag in known.items() if flag.verdict == "code"}
    return found | {name: why for name, why in code.items() if name not in allowed_code}


def code_flags(table: Table) -> tuple[str, ...]:
    """The flags that run third-party code, which `engine.allowCode` may allow."""
    return tuple(name for name, flag in classes(table).items() if flag.verdict == "code")


def out_of_bounds(given: Given) -> Iterator[ArgumentError]:
    """The errors of numbers outside the bounds of their classes."""
    for name, flag in classes(given.table).items():
        for value in given.texts(name) if flag.bounds else ():
            if flag.bounds and not given.means_none(name, value) and (message := flag.bounds.error(value)):
                yield given.error(name, message)
