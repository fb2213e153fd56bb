"""Runs faults in threads while a command runs, and reports their errors and whether each fault took effect."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ops.rehearsal.engine.events import StepEvent
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.faults.named import Named

Evidence = Callable[[], str]
"""Says how a fault took effect; empty until it has."""


@dataclass(frozen=True, kw_only=True)
class _Act:
    fault: Named
    op: str
    part: str
    act: Callable[[], object]

    def begins_with(self, step: StepEvent) -> bool:
        return step.what == "began" and step.op == self.op and self.part in step.urn


class Meanwhile:
    """Acts at steps of the engine."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: limit of each act."""
        self._seconds = seconds
        self._awaited: list[_Act] = []
        self._running: list[tuple[Named, threading.Thread]] = []
        self._unseen: list[tuple[Named, Evidence]] = []
        self._errors: list[str] = []

    def once(
        self, fault: Named, op: str, part: str, act: Callable[[], object], evidence: Evidence | None = None
    ) -> None:
        """Acts, in a thread, when the engine first begins such a step on a resource whose URN has the part.

        `evidence`: for a fault that an update may survive, so that no failure shows it.
        """
        self._awaited.append(_Act(fault=fault, op=op, part=part, act=act))
        if evidence:
            self._unseen.append((fault, evidence))

    def watch(self, step: StepEvent) -> None:
        """Takes each event of a step."""
        for each in [act for act in self._awaited if act.begins_with(step)]:
            self._awaited.remove(each)
            self._running.append((each.fault, self.beside(each.fault, each.act)))

    def beside(self, fault: Named, act: Callable[[], object]) -> threading.Thread:
        """Acts in a thread for which `settle` does not wait."""

        def noted() -> None:
            try:
                act()
            except RehearsalError as error:
                self._errors.append(f"{fault}: {error}")
            except Exception as error:
                self._errors.append(f"{fault}: {type(error).__name__}: {error}")

        thread = threading.Thread(target=noted, daemon=True)
        thread.start()
        return thread

    def settle(self) -> list[str]:
        """Waits until the acts end. What went wrong in their threads since the last call."""
        while self._running:
            fault, thread = self._running.pop()
            thread.join(self._seconds)
            if thread.is_alive():
                self._errors.append(f"{fault}: what was to happen did not end within {self._seconds:g} s")
        errors, self._errors = self._errors, []
        return errors

    def seen(self) -> list[str]:
        """The evidence of each fault that took effect, reported once."""
        found = [(each, each[1]()) for each in self._unseen]
        self._unseen = [each for each, words in found if not words]
        return [words for _, words in found if words]

    def missed(self) -> list[str]:
        """The faults that did not start or have no evidence. They are not awaited any more."""
        found = [
            *(f"{each.fault}: no {each.op} of {each.part} began" for each in self._awaited),
            *(f"{fault} was not seen to happen" for fault, _ in self._unseen),
        ]
        self._awaited.clear()
        self._unseen.clear()
        return found
