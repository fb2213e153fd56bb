"""Failures that updates meet one after the other, known by their words, and what mends each."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pulumi.automation.errors import CommandError

from ops.rehearsal.engine.events import Command
from ops.rehearsal.engine.expectations import Outcome, counted, listed
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.faults.named import Named

CANCELED = r"context canceled|(update|operation|creation|deletion) (was )?cancell?ed"
"""What Pulumi and its providers say of what Ctrl-C stopped."""


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What mends a fault."""

    said: str
    """The command as a user types it, or what somebody else does."""
    apply: Callable[[], object]


def failure(remedy: Remedy) -> str:
    """Applies a remedy. Why it failed; empty if it did not."""
    try:
        remedy.apply()
    except (RehearsalError, CommandError) as error:
        return str(error)
    return ""


@dataclass(kw_only=True)
class Trouble:
    """How a fault shows in an update."""

    fault: Named
    says: str
    """Pattern in the error."""
    mends: Callable[[], Sequence[Remedy]] = tuple
    """What to do before the next update, decided after this one; by default nothing, the next update suffices."""
    certain: bool = True
    """Whether an update must fail so; a restart of the API server may pass unnoticed."""
    met: bool = False

    def explains(self, error: str) -> bool:
        return not self.met and re.search(self.says, error, re.DOTALL) is not None


def met(troubles: Sequence[Trouble], command: Command) -> list[Trouble]:
    """The troubles by which the command failed: for each error the first one."""
    found = (_first(troubles, error) for error in (() if command.ok else command.errors()))
    return list({id(each): each for each in found if each}.values())


def _first(troubles: Sequence[Trouble], error: str) -> Trouble | None:
    return next((each for each in troubles if each.explains(error)), None)


def judged(troubles: Sequence[Trouble], command: Command) -> Outcome:
    """An update succeeds, or each of its errors is that of a fault that has not shown itself before."""
    if command.ok:
        return True, counted(command)
    errors = command.errors()
    explained = bool(errors) and all(_first(troubles, error) for error in errors)
    faults = listed([*dict.fromkeys(each.fault for each in met(troubles, command))])
    return explained, f"failed by {faults or 'no injected fault'}; {counted(command)}"


def unseen(troubles: Sequence[Trouble]) -> Iterator[str]:
    """The faults that should have failed an update and did not."""
    for each in troubles:
        if each.certain and not each.met:
            yield f"no update failed with {each.says!r} ({each.fault})"
