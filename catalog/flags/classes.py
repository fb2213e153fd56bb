"""The classes of flags, read from vllm.yaml and mocker.yaml beside this file."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from catalog import flags
from reading import entries
from reading.frozen import Frozen

# The data file of each module.
FILES = {"dynamo.vllm": "vllm", "dynamo.mocker": "mocker"}

_UNKNOWN = "this program does not know what it does yet; give it a class in catalog/flags first"
_ALLOW = "if you trust it, name the flag in `engine.allowCode` too"


Verdict = Literal["allowed", "refused", "code"]


class Bounds(Frozen):
    """A flag that is allowed within bounds that the runtime does not check before its workers start."""

    min: int | None = None
    max: int | None = None
    why: str

    def error(self, value: int) -> str | None:
        """What is wrong with a value; None if it is within the bounds."""
        if self.min is not None and value < self.min:
            return f"got {value}; must be at least {self.min}: {self.why}"
        if self.max is not None and value > self.max:
            return f"got {value}; must be at most {self.max}: {self.why}"
        return None


class _Described(Frozen):
    """A class as its file describes it; a flag may have a reason or bounds of its own."""

    verdict: Verdict
    why: str = ""
    flags: dict[str, str | Bounds | None]


class _File(Frozen):
    name: str
    classes: dict[str, _Described]


class Class(NamedTuple):
    """The class of one flag and what it says to whoever gives the flag."""

    name: str
    verdict: Verdict
    why: str
    bounds: Bounds | None = None


@cache
def classes(module: str) -> Mapping[str, Class]:
    """The class of each flag of a module; of a negative form too, where that is judged otherwise."""
    return {
        flag: Class(name, described.verdict, described.why, own)
        if isinstance(own, Bounds)
        else Class(name, described.verdict, own or described.why)
        for name, described in entries.entry(_File, Path(__file__).parent, FILES[module]).classes.items()
        for flag, own in described.flags.items()
    }


def not_allowed(module: str, allowed_code: Iterable[str] = ()) -> dict[str, str]:
    """The flags that a stack may not give, each with the reason and what to do instead."""
    known = classes(module)
    found = {name: _UNKNOWN for name in flags.known(module) if name not in known}
    found |= {name: flag.why for name, flag in known.items() if flag.verdict == "refused"}
    code = {name: f"{flag.why}; {_ALLOW}" for name, flag in known.items() if flag.verdict == "code"}
    return found | {name: why for name, why in code.items() if name not in allowed_code}


def code_flags(module: str) -> tuple[str, ...]:
    """The flags that run code of others, which `engine.allowCode` may name."""
    return tuple(name for name, flag in classes(module).items() if flag.verdict == "code")
