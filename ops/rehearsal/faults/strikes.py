"""Which creations fail in a rehearsal of many faults, and what must come of each update. Pure but for a lock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ops.rehearsal.engine.events import Command, is_resource, short, type_of
from ops.rehearsal.engine.expectations import Outcome, counted, not_failed_by
from ops.rehearsal.engine.fault_proxy import Injection
from ops.rehearsal.faults.every import Every


@dataclass
class Strikes(Injection):
    """Lets the first creation of each type, or of each resource, fail once.

    An update ends at its first failure, so the next one gets further and meets the next failures.
    """

    every: Every = Every.TYPE
    struck: dict[str, str] = field(default_factory=dict[str, str])
    """Type or URN → URN of the resource that failed, in the order of the failures."""

    def strikes(self, urn: str) -> bool:
        with self._lock:
            key = self._key(urn)
            if not self.armed.is_set() or key in self.struck:
                return False
            self.struck[key] = urn
            return True

    def missed(self, urns: Iterable[str]) -> list[str]:
        """Types or URNs of these resources of which no creation has failed."""
        return sorted({self._key(urn) for urn in urns if is_resource(urn)} - self.struck.keys())

    def _key(self, urn: str) -> str:
        return type_of(urn) if self.every is Every.TYPE else urn


def judged(command: Command, new: Sequence[str]) -> Outcome:
    """An update fails at each creation that was made to fail in it, and nowhere else. `new`: URNs of these."""
    if why := not_failed_by(new, command):
        return False, why
    return True, counted(command) if command.ok else f"failed at {', '.join(map(short, new))}; {counted(command)}"
