"""How the faults' life tells what it does."""

from collections.abc import Callable
from typing import Protocol

from ops.rehearsal.engine.events import Command
from ops.rehearsal.engine.expectations import Expectation
from ops.rehearsal.faults.troubles import Remedy


class Reporter(Protocol):
    """Runs and reports a step, and raises if it does not do what was expected."""

    def command(self, name: str, command: Callable[[], Command], expect: Expectation, /) -> Command: ...
    def mend(self, remedy: Remedy, /) -> None: ...
    def check(self, name: str, complaints: list[str], /) -> None: ...
    def skip(self, name: str, why: str, /) -> None: ...
