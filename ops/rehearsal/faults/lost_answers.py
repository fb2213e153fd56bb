"""Creations whose answer never arrives: the resource exists, and Pulumi does not know it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ops.rehearsal.engine.fault_proxy import Fault, Injection

Lost = Callable[[], object]


@dataclass
class LostAnswers(Injection):
    """Loses the answer to the first creation whose URN has one of the texts."""

    text: str = ""
    fault: Fault = Fault.RESPONSE_LOST
    wanted: dict[str, Lost | None] = field(default_factory=dict[str, Lost | None])
    """Part of a URN → what happens at that moment, besides."""
    urns: dict[str, str] = field(default_factory=dict[str, str])
    """Part of a URN → URN of the resource whose answer was lost."""

    def strikes(self, urn: str) -> bool:
        with self._lock:
            part = next((part for part in self.wanted if part in urn and part not in self.urns), None)
            if part is None:
                return False
            self.urns[part] = urn
            return True

    def lost(self, urn: str) -> None:
        part = next(part for part, lost in self.urns.items() if lost == urn)
        if then := self.wanted[part]:
            then()

    def not_lost(self, urn: str) -> None:
        with self._lock:
            self.urns = {part: lost for part, lost in self.urns.items() if lost != urn}
